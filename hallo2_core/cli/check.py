"""List the weights found, those missing, and where to download them.

Exit status 1 if a required file is missing or damaged. The demo model needs no files.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

HASHED_BLOCK = 1 << 22


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="a folder with ComfyUI's layout (models)"
    )
    parser.add_argument("--hashes", action="store_true", help="also print SHA-256 hashes (reads whole files)")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.catalogue import MEGABYTE, check_models

    complete = True
    for report in check_models(arguments.models):
        known = report.known
        if report.path is None:
            need, megabytes = "needed" if known.needed else "optional", known.size_bytes // MEGABYTE
            print(f"missing   {known.folder}/{known.names[0]}  ({known.what}, {need}, {megabytes} MB)")
            print(f"          from {known.source}; license: {known.license}")
        elif report.problem:
            print(f"damaged   {report.path}  {report.problem}")
        else:
            digest = f"  sha256 {_sha256(report.path)}" if arguments.hashes else ""
            print(f"found     {report.path}  ({known.what}, {report.path.stat().st_size // MEGABYTE} MB){digest}")
        complete = complete and (report.is_usable or not known.needed)
    print("All required files are present." if complete else "Required files are missing; --model demo needs none.")
    return 0 if complete else 1


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASHED_BLOCK):
            digest.update(block)
    return digest.hexdigest()
