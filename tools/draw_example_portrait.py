"""Draw the portrait that ships with the pack: an actor that training never sees, 512×512.

python tools/draw_example_portrait.py hallo2_core/examples/portrait.png
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from hallo2_core.training.cartoons import Actor, Tracks, draw

SEED = 19  # of the held-back actors, chosen by eye
SIDE_PX = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which held-back actor ({SEED})")
    arguments = parser.parse_args()
    frame = draw(Actor.from_seed(arguments.seed, "held_back"), Tracks.still(), SIDE_PX)[0]
    Image.fromarray((255 * frame).round().to(torch.uint8).numpy()).save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
