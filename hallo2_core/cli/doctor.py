"""Check software, devices, memory, disks and weights, and say what to do next, in order.

Exit status 1 if there is a problem. The weights are checked as by 'hallo2 check', which can also compare their hashes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .machine import add_device_argument, add_models_argument, chosen_device
from .output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_models_argument(parser)
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where videos are written (.)")
    add_device_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.installed import ComfyLayout
    from ..doctor.examine import examine
    from ..doctor.finding import has_problem, report, steps

    folders = ComfyLayout(arguments.models)
    findings = examine(folders, arguments.models, arguments.out, chosen_device(arguments.device))
    if arguments.json:
        listed = [
            {"subject": one.subject, "state": one.state.value, "text": one.text, "remedy": one.remedy}
            for one in findings
        ]
        print(json.dumps({"findings": listed, "next": steps(findings)}))
    else:
        say("\n".join(report(findings)))
    return 1 if has_problem(findings) else 0
