"""The page's pictures: frames in rows with names, and curves in one panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from hallo2_core.inspection.heat_panels import FRAME, GRID, PAPER, TEXT, font

NAME_PX, TITLE_PX, GAP_PX, LETTERS_PX = 96, 26, 4, 14
PLOT_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = (900, 330), 60, 150, 34, 34
MARKS = 4
COLORS = ("#1f5fa8", "#d98a1c", "#3a8f4d", "#d03a2b", "#808080", "#7a4fa3")


def rows_of_frames(strips: Mapping[str, Image.Image], titles: Sequence[str], tile_px: int) -> Image.Image:
    """strips: by the row's name, which may be empty, of as many square frames as there are titles."""
    step, left = tile_px + GAP_PX, NAME_PX if any(strips) else 0
    picture = Image.new("RGB", (left + len(titles) * step, TITLE_PX + len(strips) * step), PAPER)
    pen = ImageDraw.Draw(picture)
    for column, title in enumerate(titles):
        pen.text((left + column * step, 4), title, TEXT, font(LETTERS_PX))
    for row, (name, strip) in enumerate(strips.items()):
        top = TITLE_PX + row * step
        pen.text((4, top + tile_px // 2), name, TEXT, font(LETTERS_PX), "lm")
        for column in range(len(titles)):
            frame = strip.crop((column * strip.height, 0, (column + 1) * strip.height, strip.height))
            picture.paste(frame.resize((tile_px, tile_px), Image.Resampling.LANCZOS), (left + column * step, top))
    return picture


def curves(lines: Mapping[str, Sequence[float]], seconds: float, title: str) -> Image.Image:
    """lines: by name, each with the values of equally long parts of `seconds`. The axis begins at 0."""
    picture = Image.new("RGB", PLOT_PX, PAPER)
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = LEFT_PX, TOP_PX, PLOT_PX[0] - RIGHT_PX, PLOT_PX[1] - BOTTOM_PX
    most = max(max(values) for values in lines.values()) or 1.0
    pen.text((left, 8), title, TEXT, font(LETTERS_PX))
    for mark in range(MARKS + 1):
        part = mark / MARKS
        x, y = left + part * (right - left), bottom - part * (bottom - top)
        pen.line([(left, y), (right, y)], GRID)
        pen.text((left - 6, y), f"{part * most:.2g}", TEXT, font(LETTERS_PX), "rm")
        pen.text((x, bottom + 6), f"{part * seconds:.3g} s", TEXT, font(LETTERS_PX), "ma")
    for row, ((name, values), color) in enumerate(zip(lines.items(), COLORS, strict=False)):
        points = [
            (left + (index + 0.5) / len(values) * (right - left), bottom - value / most * (bottom - top))
            for index, value in enumerate(values)
        ]
        pen.line(points if len(points) > 1 else points * 2, color, 2)
        for x, y in points:
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], color)
        pen.text((right + 12, top + 20 * row), name, color, font(LETTERS_PX))
    pen.rectangle([left, top, right, bottom], outline=FRAME)
    return picture
