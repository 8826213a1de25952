"""Say which weights are there, which are missing, and where those come from.

Exit status 1 if a file that is needed is missing or damaged. The demo model needs no file at all.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

HASHED_BLOCK = 1 << 22


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", type=Path, default=Path("models"), metavar="DIR", help="a folder as ComfyUI's")
    parser.add_argument("--hashes", action="store_true", help="print the files' SHA-256 too (reads them whole)")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.catalogue import MEGABYTE, check_models

    complete = True
    for report in check_models(arguments.models):
        known = report.known
        if report.path is None:
            need, megabytes = "needed" if known.needed else "optional", known.size_bytes // MEGABYTE
            print(f"missing   {known.folder}/{known.names[0]}  ({known.what}, {need}, {megabytes} MB)")
            print(f"          from {known.source}; licence: {known.licence}")
        elif report.problem:
            print(f"damaged   {report.path}  {report.problem}")
        else:
            digest = f"  sha256 {_sha256(report.path)}" if arguments.hashes else ""
            print(f"there     {report.path}  ({known.what}, {report.path.stat().st_size // MEGABYTE} MB){digest}")
        complete = complete and (report.is_usable or not known.needed)
    print("Everything needed is there." if complete else "Not everything needed is there; --model demo needs nothing.")
    return 0 if complete else 1


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASHED_BLOCK):
            digest.update(block)
    return digest.hexdigest()
