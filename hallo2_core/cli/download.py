"""Download the released weights into a models folder, after showing sizes and licenses.

Without --accept-licenses nothing is downloaded: files, sizes, sources and licenses are listed. Ctrl+C keeps what
arrived, and the same command continues. Exit status 1 if files are left to download.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from ..checkpoints.catalogue import EVERYTHING, Purpose
from .machine import TerminalRuntime, add_models_argument, chosen_device
from .output import tell

if TYPE_CHECKING:
    from ..downloads.fetch import Fetched
    from ..downloads.plan import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    purposes = [purpose.value for purpose in Purpose]
    parser.add_argument("purposes", nargs="*", metavar="WHAT",
                        help=f"{', '.join(purposes)} or {EVERYTHING} ({Purpose.ANIMATION.value})")  # fmt: skip
    add_models_argument(parser)
    parser.add_argument("--accept-licenses", action="store_true", help="accept the licenses listed, and download")
    parser.add_argument("--endpoint", default="", metavar="URL",
                        help="a mirror of Hugging Face (the variable HF_ENDPOINT, else huggingface.co)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.installed import ComfyLayout
    from ..downloads.endpoint import chosen_endpoint
    from ..downloads.fetch import download_all
    from ..downloads.plan import chosen_purposes, plan_downloads

    endpoint = chosen_endpoint(arguments.endpoint)
    plan = plan_downloads(chosen_purposes(arguments.purposes), ComfyLayout.at(arguments.models))
    tell("\n".join(plan.lines(endpoint)))
    fetched: list[Fetched] = []
    if plan.downloads and arguments.accept_licenses:
        plan.check_space()
        runtime = TerminalRuntime(chosen_device("cpu"), sys.stderr, unit="B")
        fetched = download_all(plan.downloads, endpoint, runtime, lambda done: runtime.notify(str(done)))
    elif plan.downloads:
        tell("Nothing was downloaded. Add --accept-licenses to accept these licenses and download.")
    if arguments.json:
        print(json.dumps(_result(plan, fetched)))
    return 0 if len(fetched) == len(plan.downloads) else 1


def _result(plan: Plan, fetched: list[Fetched]) -> dict[str, list]:
    return {
        "present": [str(report.path) for report in plan.present],
        "downloaded": [
            {"path": str(one.path), "bytes": one.size_bytes, "sha256": one.sha256, "checked": one.checked}
            for one in fetched
        ],
        "missing": [str(download.path) for download in plan.downloads[len(fetched) :]],
    }
