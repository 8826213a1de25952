"""Draw the pack's icon and banner for the Comfy Registry: the example portrait speaks the example voice.

    python tools/draw_registry_pictures.py docs/images

Writes icon.png (400×400, the largest that the registry takes) and banner.png (21:9).
"""

from __future__ import annotations

import argparse
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from draw_example_portrait import SEED
from PIL import Image, ImageDraw, ImageFont

from hallo2_core.training.cartoons import Actor, Tracks, draw

ICON_PX = 400
BANNER_PX = (1260, 540)
VOICE = Path(__file__).parents[1] / "hallo2_core" / "examples" / "voice.wav"
DARK, ACCENT, LIGHT = (26, 27, 38), (255, 138, 101), (236, 236, 244)
OPENINGS = (0.0, 0.35, 0.75, 1.0, 0.5)  # of the mouth, in the banner's faces from left to right


def faces(openings: tuple[float, ...], size_px: int) -> list[Image.Image]:
    """The example portrait with its mouth opened."""
    tracks = replace(Tracks.still(len(openings)), mouth_open=torch.tensor(openings))
    frames = draw(Actor.from_seed(SEED, "held_back"), tracks, size_px)
    return [Image.fromarray((255 * frame).round().to(torch.uint8).numpy()) for frame in frames]


def loudness(bars: int) -> np.ndarray:
    """(bars) of the example voice from beginning to end, at most 1."""
    with wave.open(str(VOICE)) as voice:
        sound = np.frombuffer(voice.readframes(voice.getnframes()), np.int16).astype(float)
    level = np.array([np.sqrt((part**2).mean()) for part in np.array_split(sound, bars)])
    return level / level.max()


def draw_waveform(picture: Image.Image, box: tuple[int, int, int, int], bars: int) -> None:
    """box: left, top, right, bottom."""
    left, top, right, bottom = box
    pen, step = ImageDraw.Draw(picture), (right - left) / bars
    for bar, level in enumerate(loudness(bars)):
        middle, half = (top + bottom) / 2, max(level * (bottom - top) / 2, step / 4)
        x = left + bar * step
        pen.rounded_rectangle((x, middle - half, x + 0.55 * step, middle + half), radius=step / 4, fill=ACCENT)


def icon() -> Image.Image:
    (picture,) = faces((0.6,), ICON_PX)
    picture.paste(DARK, (0, 310, ICON_PX, ICON_PX))
    draw_waveform(picture, (20, 318, ICON_PX - 20, 392), bars=24)
    return picture


def banner() -> Image.Image:
    picture = Image.new("RGB", BANNER_PX, DARK)
    width, height = BANNER_PX
    side = width // len(OPENINGS)
    for place, face in enumerate(faces(OPENINGS, side)):
        picture.paste(face, (place * side, 0))
    draw_waveform(picture, (20, side + 12, width - 20, side + 112), bars=105)
    pen = ImageDraw.Draw(picture)
    pen.text((40, height - 160), "Hallo2", font=ImageFont.load_default(72), fill=LIGHT)
    pen.text((40, height - 68), "A portrait and a voice become a talking video of any length",
             font=ImageFont.load_default(30), fill=LIGHT)  # fmt: skip
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    icon().save(folder / "icon.png", optimize=True)
    banner().save(folder / "banner.png", optimize=True)


if __name__ == "__main__":
    main()
