"""List the weights found, damaged and missing, and where to download them ('hallo2 doctor' checks the rest too).

Exit status 1 if a required file is missing or damaged. The demo model needs no files.
"""

from __future__ import annotations

import argparse

from .machine import add_models_argument
from .output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_models_argument(parser)
    parser.add_argument("--hashes", action="store_true", help="also compare SHA-256 hashes (reads whole files)")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.installed import ComfyLayout, check_models, with_hash

    complete = True
    for report in check_models(ComfyLayout.at(arguments.models)):
        if arguments.hashes:
            report = with_hash(report)
        say(report)
        complete = complete and (report.is_usable or not report.known.needed)
    if complete:
        say("All required files are present.")
    else:
        say("Required files are missing: 'hallo2 download' lists and downloads them. --model demo needs none.")
    return 0 if complete else 1
