"""What benches that compare videos of held-back actors are asked for alike."""

from __future__ import annotations

import argparse
from pathlib import Path

from hallo2_core.checkpoints.demo import TRAINED

NETWORKS = {"joint": "small_hallo2", "vae": "small_vae", "speech": "small_speech_encoder"}


def add_video_arguments(parser: argparse.ArgumentParser, clips: int) -> None:
    """clips: how many, unless something else is asked for."""
    for name, file in NETWORKS.items():
        parser.add_argument(f"--{name}", type=Path, default=TRAINED / f"{file}.safetensors", metavar="FILE")
    parser.add_argument(
        "--clips", type=int, default=clips, help=f"actors, each with a voice and sentences of its own ({clips})"
    )
    parser.add_argument("--first", type=int, default=0, help="seed of the first actor (0)")
    parser.add_argument("--seconds", type=float, default=1.28, help="length of a video; two clips at least (1.28)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument("--threads", type=int, default=1)
