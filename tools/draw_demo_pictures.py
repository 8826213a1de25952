"""Make the README's moving picture and contact sheet from the demo's video.

    make demo
    python tools/draw_demo_pictures.py output/demo.mp4 docs/images

Writes demo.webp (animated, every second frame) and demo_frames.png (evenly spaced frames with their times).
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import av
from PIL import Image, ImageDraw

MOST_BYTES = 3_000_000  # of the moving picture
QUALITIES = (85, 75, 65, 55, 45, 35)  # tried in this order
MOVING_PX, EVERY = 320, 2
TILE_PX, COLUMNS, ROWS, CAPTION_PX = 160, 4, 2, 18


def frames_of(path: Path) -> tuple[list[Image.Image], float]:
    """All frames, and how many there are in a second."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_image() for frame in container.decode(stream)], float(stream.average_rate)


def moving_picture(frames: Sequence[Image.Image], fps: float) -> bytes:
    """An endless animated WebP, as good as fits."""
    small = [frame.resize((MOVING_PX, MOVING_PX), Image.Resampling.LANCZOS) for frame in frames[::EVERY]]
    for quality in QUALITIES:
        out = io.BytesIO()
        small[0].save(
            out,
            "WEBP",
            save_all=True,
            append_images=small[1:],
            duration=round(1000 * EVERY / fps),
            loop=0,
            quality=quality,
            method=6,
        )
        if out.tell() <= MOST_BYTES:
            return out.getvalue()
    raise SystemExit(f"Too long: {len(small)} frames take {out.tell()} bytes at quality {quality}, over {MOST_BYTES}.")


def contact_sheet(frames: Sequence[Image.Image], fps: float) -> Image.Image:
    sheet = Image.new("RGB", (COLUMNS * TILE_PX, ROWS * (TILE_PX + CAPTION_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    count = COLUMNS * ROWS
    for place in range(count):
        number = round((place + 0.5) / count * (len(frames) - 1))
        left, top = place % COLUMNS * TILE_PX, place // COLUMNS * (TILE_PX + CAPTION_PX)
        sheet.paste(frames[number].resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS), (left, top))
        draw.text((left + 4, top + TILE_PX + 3), f"{number / fps:.2f} s", fill="black")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    frames, fps = frames_of(arguments.video)
    moving = moving_picture(frames, fps)
    (arguments.folder / "demo.webp").write_bytes(moving)
    contact_sheet(frames, fps).save(arguments.folder / "demo_frames.png", optimize=True)
    sys.stderr.write(f"{len(frames)} frames; demo.webp has {len(moving) / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
