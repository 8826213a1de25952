"""Convert a .pth file to safetensors, which loads faster and contains only tensors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="FILE.pth")
    parser.add_argument("target", type=Path, metavar="OUT.safetensors")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.convert import convert_to_safetensors

    convert_to_safetensors(arguments.source, arguments.target)
    sys.stderr.write(f"{arguments.target} written.\n")
    return 0
