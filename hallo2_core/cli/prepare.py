"""Make training data from talking cartoons, or resume after a stop.

KIND is pictures (for the VAE), voices (for the speech encoder; needs espeak-ng) or clips (for joint training; needs
both trained). Existing shards are kept, so several processes can share the work with --first.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

KINDS = ("pictures", "voices", "clips")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--split", choices=("train", "held_back"), default="train")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first actor or performance (0)")
    parser.add_argument("--count", type=int, default=64, metavar="N", help="how many (64)")
    parser.add_argument("--size", type=int, default=128, metavar="PX", help="side of the pictures (128)")
    parser.add_argument("--frames", type=int, default=4, metavar="N", help="frames per actor, for pictures (4)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a performance (4)")
    parser.add_argument("--vae", metavar="FILE", help="the trained VAE, for clips")
    parser.add_argument("--speech-encoder", metavar="FILE", help="the trained speech encoder, for clips")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from ..config import check_frame_size
    from ..errors import SettingsError

    logging.getLogger("hallo2").setLevel(logging.INFO)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.count < 1 or arguments.first < 0:
        raise SettingsError(f"--first is {arguments.first}, --count {arguments.count}; choose 0 or more, 1 or more.")
    check_frame_size(arguments.size, arguments.size)
    for path in _shards(arguments):
        sys.stderr.write(f"{path}\n")
    return 0


def _shards(arguments: argparse.Namespace) -> Iterator[Path]:
    from ..errors import SettingsError
    from ..training.prepare_performances import prepare_clips, prepare_voices
    from ..training.prepare_pictures import prepare_pictures
    from ..training.stages import small_speech_encoder, small_vae

    folder, split = arguments.folder, arguments.split
    seeds = range(arguments.first, arguments.first + arguments.count)
    if arguments.kind == "pictures":
        return prepare_pictures(folder, split, seeds, arguments.frames, arguments.size)
    if arguments.kind == "voices":
        return prepare_voices(folder, split, seeds, arguments.seconds)
    if not (arguments.vae and arguments.speech_encoder):
        raise SettingsError("Clips need --vae and --speech-encoder: files written by 'hallo2 train … --export'.")
    vae, encoder = small_vae(arguments.vae), small_speech_encoder(arguments.speech_encoder)
    return prepare_clips(folder, split, seeds, arguments.seconds, arguments.size, vae, encoder)
