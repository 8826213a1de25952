"""Make a data set of talking cartoons: videos with sound, captions, and exact ground truth for every frame.

Faces, voices, sentences and motion are determined by seeds alone. Needs espeak-ng for the voices. After a stop, the
same command resumes. docs/cartoons.md describes the folder.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .output import tell

SPLITS = {"train": "train", "held-back": "held_back"}
MOST_WORKERS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="of the data set; more clips may be added to it later")
    parser.add_argument("--count", type=int, default=100, help="number of clips in the folder (100)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each clip (4)")
    parser.add_argument("--size", type=int, default=128, metavar="PX", help="side of the square picture (128)")
    parser.add_argument("--split", choices=tuple(SPLITS), default="train",
                        help="held-back: faces, voices and sentences that are not in train")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the first clip's seed; the rest follow (0)")
    parser.add_argument("--workers", type=int, metavar="N", help="parallel processes (one per CPU core)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from ..errors import SettingsError
    from ..training.cartoons.clip_files import CartoonSettings, write_cartoons
    from .machine import TerminalRuntime

    settings = CartoonSettings(arguments.seconds, arguments.size, SPLITS[arguments.split], arguments.seed)
    workers = arguments.workers if arguments.workers is not None else min(os.cpu_count() or 1, MOST_WORKERS)
    if workers < 1:
        raise SettingsError(f"--workers is {workers}; choose 1 or more.")
    runtime = TerminalRuntime(torch.device("cpu"))
    written = write_cartoons(arguments.folder, arguments.count, settings, runtime.progress, workers)
    tell(f"{arguments.folder}: {arguments.count} clips, {written} of them new")
    return 0
