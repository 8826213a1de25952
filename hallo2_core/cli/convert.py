"""Convert a .pth file to safetensors, which loads faster and contains only tensors; or add a LoRA to it for good."""

from __future__ import annotations

import argparse
from pathlib import Path

from .output import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="FILE.pth")
    parser.add_argument("target", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--lora", type=Path, metavar="FILE", help="a LoRA from 'hallo2 train', added to the weights")
    parser.add_argument("--lora-strength", type=float, default=1.0, metavar="S", help="factor of the LoRA (1)")


def run(arguments: argparse.Namespace) -> int:
    from ..checkpoints.convert import convert_to_safetensors

    convert_to_safetensors(arguments.source, arguments.target, arguments.lora, arguments.lora_strength)
    tell(f"{arguments.target} written.")
    return 0
