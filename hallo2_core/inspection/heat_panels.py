"""The pieces that heat maps are drawn of: a picture under its heat, a scale beside it, a grid of numbers, a curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature

import numpy as np
from einops import repeat
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .heat import HeatScale, heat_colours

PAPER, TEXT, QUIET, FRAME, GRID = "#ffffff", "#202020", "#666666", "#808080", "#e4e4e4"
LINES = ("#1f5fa8", "#d03a2b")
HEAT = 0.72  # how far heat covers the picture under it
BAR_PX = 12

Format = Callable[[float], str]


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def times(value: float) -> str:
    return f"{value:.2f} x"


@cache
def font(size_px: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own; releases before 10.1 know one size."""
    return ImageFont.load_default(size_px) if signature(ImageFont.load_default).parameters else ImageFont.load_default()


def plain(picture: Tensor, size: tuple[int, int]) -> Image.Image:
    """picture: (h w 3), 0..1.  size: width, height."""
    pixels = (picture.clamp(0, 1) * 255).round().byte().numpy()
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def heated(picture: Tensor, heat: Tensor, scale: HeatScale, size: tuple[int, int]) -> Image.Image:
    """The picture in gray, under colors that are as smooth as its pixels. heat: (h w)."""
    smooth = Image.fromarray(heat.float().numpy()).resize(size, Image.Resampling.BILINEAR)
    grey = np.asarray(plain(picture, size).convert("L"), np.float64) / 255
    return _image(HEAT * scale.colours(np.asarray(smooth)) + (1 - HEAT) * repeat(grey, "h w -> h w 3"))


class Pen:
    """Draws on one picture; every method takes the left and upper corner of what it draws."""

    def __init__(self, width: int, height: int) -> None:
        self.picture = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self.picture)

    def text(self, x: float, y: float, words: str, size_px: int = 13, colour: str = TEXT, anchor: str = "la") -> None:
        self._draw.text((x, y), words, colour, font(size_px), anchor)

    def paste(self, x: int, y: int, picture: Image.Image) -> None:
        self.picture.paste(picture, (x, y))

    def scale(self, x: int, y: int, height: int, scale: HeatScale, write: Format) -> None:
        """A bar of all colors, the most on top, with the numbers of both ends and of the middle."""
        colours = heat_colours(np.linspace(1.0, 0.0, height))
        self.paste(x, y, _image(repeat(colours, "h c -> h w c", w=BAR_PX)))
        self._draw.rectangle([x, y, x + BAR_PX, y + height], outline=FRAME)
        for part, anchor in ((0.0, "ld"), (0.5, "lm"), (1.0, "la")):
            value = scale.least + part * (scale.most - scale.least)
            nudge = {"ld": 3, "lm": 0, "la": -3}[anchor]  # the outer numbers stay within the bar's height
            self.text(x + BAR_PX + 5, y + (1 - part) * height + nudge, write(value), 12, anchor=anchor)

    def matrix(self, x: int, y: int, cell_px: int, values: NDArray[np.float32], scale: HeatScale) -> None:
        """values: (rows columns)."""
        colours = repeat(scale.colours(values), "r c rgb -> (r i) (c j) rgb", i=cell_px, j=cell_px)
        self.paste(x, y, _image(colours))
        rows, columns = values.shape
        self._draw.rectangle([x - 1, y - 1, x + columns * cell_px, y + rows * cell_px], outline=FRAME)

    def upright(self, x: int, top: int, bottom: int) -> None:
        """A line that parts what lies left of it from what lies right."""
        self._draw.line([(x, top), (x, bottom)], PAPER, 3)

    def curve(
        self, box: tuple[int, int, int, int], values: Sequence[float], names: Sequence[str], colour: str, write: Format
    ) -> None:
        """box: left, top, right, bottom. The axis reaches as far as the values do. names: what stands under each."""
        left, top, right, bottom = box
        least, most = min(values), max(values)
        room = max(0.1 * (most - least), 1e-4)
        least, most = least - room, most + room
        for part in (0.0, 0.5, 1.0):
            y = bottom - part * (bottom - top)
            self._draw.line([(left, y), (right, y)], GRID)
            self.text(left - 6, y, write(least + part * (most - least)), 12, anchor="rm")
        step, zoom = (right - left) / len(values), (bottom - top) / (most - least)
        points = [(left + (index + 0.5) * step, bottom - (value - least) * zoom) for index, value in enumerate(values)]
        self._draw.line(points if len(points) > 1 else points * 2, colour, 2)
        for (x, y), name in zip(points, names, strict=True):
            self._draw.ellipse([x - 3, y - 3, x + 3, y + 3], colour)
            self.text(x, bottom + 4, name, 11, anchor="ma")
        self._draw.rectangle([left, top, right, bottom], outline=FRAME)

    def beside(self, x: int, y: int, words: str, size_px: int = 13) -> None:
        """Text that is read from below, centered on y."""
        drawn = Image.new("RGB", (round(self._draw.textlength(words, font(size_px))) + 2, size_px + 6), PAPER)
        ImageDraw.Draw(drawn).text((1, 1), words, TEXT, font(size_px))
        turned = drawn.transpose(Image.Transpose.ROTATE_90)
        self.paste(x, y - turned.height // 2, turned)


def _image(colours: NDArray[np.float64]) -> Image.Image:
    """colours: (h w 3), 0..1."""
    return Image.fromarray((np.clip(colours, 0, 1) * 255).round().astype(np.uint8))
