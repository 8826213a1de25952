"""What this machine's card makes of the pack: correctness, speed, memory, kernels, in under nine minutes.

    make gpu                                            # into output/gpu_report
    PYTHONPATH=. python tools/gpu_report.py [--out DIR] [--minutes 9] [--sections step,clip] [--device cuda:1]

Needs torch 2.9 or newer and what ComfyUI installs; no network, no weights (they are drawn from seeds), no installation.
Writes gpu_report.json and gpu_report.md and prints the latter. Without a card it runs the demo's sizes on the
processor and says so. A section that fails says why, one that no longer fits into the time is skipped, and the others
run. Exit status 1 where a section or a golden case failed. docs/performance.md explains the figures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from card.budget import Budget  # noqa: E402 - needs the folder of this script, which Python puts on the path
from card.report import Report  # noqa: E402
from card.section import run_sections  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "gpu_report", metavar="DIR")
    parser.add_argument("--minutes", type=float, default=9.0, help="what no longer fits is skipped (9)")
    parser.add_argument("--sections", default="", help="only those whose names begin like this, with commas between")
    parser.add_argument("--device", default="auto", help="cuda, cuda:1, cpu; auto takes CUDA where there is one")
    options = parser.parse_args(arguments)
    budget = Budget(options.minutes)

    import torch
    from card.machine import describe_machine
    from card.sections import all_sections
    from card.workload import Scale

    from hallo2_core.cli.machine import chosen_device

    device = chosen_device(options.device)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)  # events and peaks are the current device's; "cuda" has no index
    else:
        torch.set_num_threads(1)  # threads that wait for each other on a busy machine take many times as long
    scale = Scale.of(device)
    wanted = tuple(name for name in options.sections.split(",") if name)
    report = Report(describe_machine(device), scale.describe())
    for result in run_sections(all_sections(device, scale, budget), budget, wanted, device):
        report.add(result)
        report.write(options.out)  # after each: a crash of the driver leaves what was measured
        print(f"{result.title}: {result.status}, {result.seconds:.0f} s {result.reason}".rstrip(), file=sys.stderr)
    print(report.markdown())
    return 1 if report.has_failures else 0


if __name__ == "__main__":
    sys.exit(main())
