"""Coverage-guided fuzzing of everything that reads files or text of unknown origin (`targets`), with atheris.

run.py [--inputs N] [--out FOLDER] [--json FILE] [TARGET …]   figures per target; exit status 1 if there are findings

One process, a target after another; each continues from `corpus` and from the folder `--out`, where new inputs and
findings go. `--replay FILE` runs one input of one target. `test_fuzz.py` tries a bounded number of examples.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(ROOT)]

CORPUS = HERE / "corpus"
MOST_BYTES = 4096  # of an input
MEMORY_MB = 2048  # beyond this much, libFuzzer stops with a finding
MOST_FINDINGS = 20  # of a target, each at another place
# Of the inputs, relative to 1: more where one takes microseconds, less where it opens a file or builds a network.
SHARES = {
    "settings": 4, "inputs": 4, "record": 4, "boxes": 4, "display_matrix": 3, "prompts": 3, "weights": 3, "masking": 3,
    "speakers": 2, "wires": 2, "farm_jsonl": 0.5, "farm_csv": 0.5, "journal": 0.3, "file": 0.3, "pickle": 0.2,
    "picture": 0.2, "sound": 0.1, "clips": 0.1, "video": 0.03, "shapes": 0.005,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, unless named")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together (1000000)")
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "fuzz", help="where inputs and findings go")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--replay", type=Path, help="run this input of the one named target, with its traceback")
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)  # this process fuzzes, with its files there
    arguments = parser.parse_args()
    if arguments.scratch:
        return fuzz(arguments.targets[0], arguments.inputs, arguments.out, arguments.scratch)
    from fuzz.targets import TARGETS, outcome

    chosen = [TARGETS[name] for name in arguments.targets or TARGETS]
    if arguments.replay:
        with tempfile.TemporaryDirectory() as folder:
            print(outcome(chosen[0], arguments.replay.read_bytes(), Path(folder)))
        return 0
    shares = sum(SHARES.get(target.name, 1) for target in chosen)
    rows = []
    for target in chosen:
        rows.append(
            run_apart(target.name, math.ceil(arguments.inputs * SHARES.get(target.name, 1) / shares), arguments.out)
        )
        print("{target:16}{inputs:>9,} inputs{seconds:>8.0f} s{values:>9,} read{refused:>9,} refused"
              "{edges:>7,} edges{findings:>4} findings".format(**rows[-1]), flush=True)  # fmt: skip
    totals = {key: sum(row[key] for row in rows) for key in ("inputs", "seconds", "findings")}
    print("{inputs:,} inputs, {seconds:.0f} s, {findings} findings".format(**totals))
    if arguments.json:
        arguments.json.write_text(json.dumps({"targets": rows, **totals}, indent=1), encoding="utf-8")
    return int(totals["findings"] > 0)


def run_apart(name: str, inputs: int, out: Path) -> dict[str, object]:
    """libFuzzer ends its process. Returns the figures; a process that dies is a finding, whose input it has kept."""
    place = out / name
    place.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    log = place / "log.txt"
    in_memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with log.open("wb") as said, tempfile.TemporaryDirectory(dir=in_memory) as scratch:
        options = ["--inputs", str(inputs), "--out", str(out.absolute()), "--scratch", scratch]
        command = [sys.executable, os.path.abspath(__file__), *options, name]
        status = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, cwd=place).returncode
    seen = json.loads((place / "seen.json").read_text(encoding="utf-8"))
    edges = re.findall(rb"\bcov: (\d+)", log.read_bytes())
    died = status != 0 and not seen["findings"]
    return {
        "target": name,
        "inputs": seen["inputs"],
        "seconds": time.monotonic() - began,
        "values": seen["values"],
        "refused": seen["inputs"] - seen["values"],
        "edges": int(edges[-1]) if edges else 0,
        "findings": len(seen["findings"]) + died,
    }


def fuzz(name: str, inputs: int, out: Path, folder: Path) -> int:
    try:
        import atheris
    except ImportError as error:
        sys.exit(f"The package atheris cannot be imported ({error}). Run: pip install atheris (the extra 'fuzz').")
    import torch  # not instrumented: only this project's code is

    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["hallo2_core"]):
        from fuzz.targets import TARGETS, outcome

    target, place = TARGETS[name], out / name
    seen: dict[str, object] = {"inputs": 0, "values": 0, "findings": []}
    found = place / "found"
    for own in (found, place / "inputs"):
        own.mkdir(parents=True, exist_ok=True)

    def note() -> None:
        (place / "seen.json").write_text(json.dumps(seen), encoding="utf-8")

    def one_input(data: bytes) -> None:
        seen["inputs"] += 1
        try:
            seen["values"] += outcome(target, data, folder) == "value"
        except Exception as error:
            if (where := place_of(error)) not in seen["findings"] and len(seen["findings"]) < MOST_FINDINGS:
                seen["findings"].append(where)
                number = len(seen["findings"])
                (found / f"{number:02d}.input").write_bytes(data)
                (found / f"{number:02d}.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="replace")
        if seen["inputs"] % 1000 == 0 or seen["inputs"] >= inputs:
            note()

    note()
    kept = CORPUS / name
    kept.mkdir(exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (place / "inputs" / f"seed-{number}").write_bytes(seed)
    dictionary = place / "pieces.dict"
    dictionary.write_text("".join(f'"{escaped(piece)}"\n' for piece in target.pieces), encoding="ascii")
    options = (
        f"-runs={inputs}", f"-max_len={MOST_BYTES}", f"-rss_limit_mb={MEMORY_MB}", "-timeout=30", "-verbosity=1",
        f"-dict={dictionary}", f"-artifact_prefix={found}/", "-reload=0", "-print_final_stats=1",
    )  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(place / "inputs"), str(kept)], one_input)
    atheris.Fuzz()
    return 0


def place_of(error: BaseException) -> str:
    """The kind of error, and the last line of this project that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "hallo2_core" in frame.filename] or frames
    return f"{type(error).__name__} in {os.path.basename(own[-1].filename)}:{own[-1].lineno}"


def escaped(piece: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in piece)


if __name__ == "__main__":
    sys.exit(main())
