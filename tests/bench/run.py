"""All benches, one after another, each in a process of its own: `make bench`, or

    python tests/bench/run.py [--full] [--device cuda] [--only flops,step_time] [--out output/bench]

Prints each bench's table, and at the end what ran how long. Writes NAME.json for each bench, and bench.json with the
machine and all results. On a CPU the demo's networks run, so that all takes minutes; --full takes those of the released
size, in 10 GiB of memory, and the whole search of accelerated sampling. On a card the size is always the released one.
Exit status 1 if a bench failed, or a figure is above its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from results import ROOT, as_table

from hallo2_core.cli.machine import chosen_device
from tools.card.machine import describe_machine

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Bench:
    name: str
    script: Path
    small: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    takes_device: bool = False


BENCHES = (
    Bench("flops", HERE / "flops.py"),
    Bench("memory_step", HERE / "memory_step.py"),
    Bench("job_memory", HERE / "job_memory.py"),
    Bench("step_time", HERE / "step_time.py", (), ("--full", "--side", "128"), takes_device=True),
    Bench("clip_time", HERE / "clip_time.py", (), ("--full", "--side", "128"), takes_device=True),
    Bench("upscale", HERE / "upscale.py", (), ("--full",), takes_device=True),
    Bench("startup", HERE / "startup.py", ("--minutes", "0.1")),
    Bench("accelerate", HERE / "acceleration.py", ("--steps", "10", "--clips", "1", "--only", "balanced;fast")),
)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the released size on a CPU too; takes an hour")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, or auto (cpu)")
    parser.add_argument("--only", default="", metavar="NAMES", help="these, with commas between")
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "bench", metavar="DIR")
    arguments = parser.parse_args(given)
    device = chosen_device(arguments.device)
    wanted = arguments.only.split(",") if arguments.only else [bench.name for bench in BENCHES]
    if unknown := set(wanted) - {bench.name for bench in BENCHES}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose of {', '.join(each.name for each in BENCHES)}")
    chosen = [bench for bench in BENCHES if bench.name in wanted]
    begun = datetime.now(timezone.utc).isoformat(timespec="seconds")
    results = list(run_benches(chosen, arguments.out, arguments.full and device.type == "cpu", str(device)))
    summary = {"date": begun, "machine": describe_machine(device), "benches": results}
    (arguments.out / "bench.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print("# All\n")
    print(as_table([{name: one[name] for name in ("bench", "status", "seconds", "CPU seconds")} for one in results]))
    return int(any(one["status"] != "ok" for one in results))


def run_benches(benches: Sequence[Bench], folder: Path, is_full: bool, device: str) -> Iterator[dict[str, object]]:
    """Yield each bench's status, time and result. Their tables go to stdout."""
    folder.mkdir(parents=True, exist_ok=True)
    for bench in benches:
        print(f"# {bench.name}\n", flush=True)
        file = folder / f"{bench.name}.json"
        file.unlink(missing_ok=True)
        options = [*(bench.full if is_full else bench.small), *(("--device", device) if bench.takes_device else ())]
        started, before = time.monotonic(), processor_seconds()
        done = subprocess.run([sys.executable, str(bench.script), *options, "--json", str(file)])
        print(flush=True)
        yield {
            "bench": bench.name,
            "status": "ok" if done.returncode == 0 else f"exit status {done.returncode}",
            "seconds": round(time.monotonic() - started, 1),
            "CPU seconds": round(processor_seconds() - before, 1),
            "options": options,
            "result": json.loads(file.read_text(encoding="utf-8")) if file.exists() else None,
        }


def processor_seconds() -> float:
    """Of all processes that ended so far; 0 on Windows, which does not tell."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
