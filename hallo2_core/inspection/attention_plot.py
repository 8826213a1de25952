"""Attention maps as pictures: one of the whole clip, and one of each of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from einops import reduce
from PIL import Image
from torch import Tensor

from .attention_maps import ALL, AttentionMaps
from .heat import HeatScale
from .heat_panels import BAR_PX, LINES, QUIET, Format, Pen, heated, percent, plain, times

OVERVIEW_PX, COLUMNS, COLUMN_PX = 1320, 6, 196
MARGIN_PX, GAP_PX, LEGEND_PX = 28, 10, 84
TITLE_PX, ROW_TITLE_PX, CAPTION_PX = 76, 30, 24
TALLEST_PX = 280  # of the pictures in the overview
GRID_PX, LEAST_CELL_PX, AXIS_PX = 384, 24, 44  # of the grid over time
FRAME_PX, LEAST_PANEL_PX = 360, 220  # the longer side of a picture in the sheet of one frame, and the room it has

ON_PORTRAIT = "Attention to the portrait: share of each place's spatial attention; the rest stays in the frame"
RECEIVED = "Where in the portrait, as a multiple of the mean"
ON_MOTION = "Attention to the motion frames: share of each place's temporal attention"


def draw_overview(maps: AttentionMaps) -> Image.Image:
    """The clip at a glance: six of its frames with their maps, and how its frames look along time."""
    return _Overview(maps).draw()


def draw_frames(maps: AttentionMaps) -> Iterator[Image.Image]:
    """A picture of each frame, all of one size and with the same scales, so that they make a film."""
    rows = _rows(maps)
    width, height = _fitted(maps, FRAME_PX, FRAME_PX)
    panel = max(width + GAP_PX + LEGEND_PX, LEAST_PANEL_PX)
    for frame in range(len(maps.frames)):
        pen = Pen(2 * MARGIN_PX + width + GAP_PX + len(rows) * panel, TITLE_PX + 2 * CAPTION_PX + height)
        pen.text(MARGIN_PX, 14, _name(maps, frame), 20)
        pen.text(MARGIN_PX, 44, _seen(maps), 13, QUIET)
        pen.paste(MARGIN_PX, TITLE_PX + CAPTION_PX, plain(maps.frames[frame], (width, height)))
        pen.text(MARGIN_PX, TITLE_PX + CAPTION_PX - 6, "the frame", 13, anchor="ls")
        for number, row in enumerate(rows):
            x = MARGIN_PX + width + GAP_PX + number * panel
            pen.text(x, TITLE_PX + CAPTION_PX - 6, row.short, 13, anchor="ls")
            pen.paste(x, TITLE_PX + CAPTION_PX, heated(row.picture(frame), row.heat[frame], row.scale, (width, height)))
            pen.scale(x + width + 8, TITLE_PX + CAPTION_PX, height, row.scale, row.write)
            pen.text(x, TITLE_PX + CAPTION_PX + height + 5, row.captions[frame], 13, QUIET)
        yield pen.picture


@dataclass(frozen=True)
class _Row:
    """One kind of map over the whole clip, under one scale."""

    title: str
    short: str
    heat: Tensor  # (f h w)
    under: Tensor  # (f H W 3) or (1 H W 3)
    captions: tuple[str, ...]
    write: Format
    scale: HeatScale

    def picture(self, frame: int) -> Tensor:
        return self.under[min(frame, len(self.under) - 1)]


def _rows(maps: AttentionMaps) -> tuple[_Row, ...]:
    share, received, motion = maps.portrait_share, maps.portrait_received, maps.motion_share
    banks = tuple(f"portrait {'without' if without else 'with'} identity" for without in maps.without_identity)
    scales = [HeatScale.of(heat.numpy()) for heat in (share, received, motion)]
    return (
        _Row(ON_PORTRAIT, "how much it looks at the portrait", share, maps.frames, _means(share), percent, scales[0]),
        _Row(RECEIVED, "where in the portrait", received, maps.portrait.unsqueeze(0), banks, times, scales[1]),
        _Row(ON_MOTION, "how much at the motion frames", motion, maps.frames, _means(motion), percent, scales[2]),
    )


def _means(heat: Tensor) -> tuple[str, ...]:
    """What to write under the map of each frame."""
    return tuple(f"mean {percent(float(value))}" for value in reduce(heat, "f h w -> f", "mean"))


class _Overview:
    def __init__(self, maps: AttentionMaps) -> None:
        self.maps, self.rows = maps, _rows(maps)
        count = min(COLUMNS, len(maps.frames))
        self.shown = [round(frame) for frame in np.linspace(0, len(maps.frames) - 1, count)]
        self.size = _fitted(maps, COLUMN_PX - GAP_PX, TALLEST_PX)
        self.row_px = ROW_TITLE_PX + self.size[1] + CAPTION_PX
        self.cell_px = max(LEAST_CELL_PX, GRID_PX // maps.over_time.shape[0])
        grid = ROW_TITLE_PX + maps.over_time.shape[0] * self.cell_px + AXIS_PX
        self.pen = Pen(OVERVIEW_PX, TITLE_PX + 4 * self.row_px + grid + GAP_PX)

    def draw(self) -> Image.Image:
        self._title()
        for number, row in enumerate(self.rows, start=1):
            self._maps(TITLE_PX + number * self.row_px, row)
        top = TITLE_PX + 4 * self.row_px
        self._grid(top)
        self._curves(top)
        return self.pen.picture

    def _title(self) -> None:
        maps = self.maps
        first, last = maps.first_frame, maps.first_frame + len(maps.frames) - 1
        title = f"What attends to what: clip {maps.settings.clip}, counted from 0, frames {first} to {last}"
        self.pen.text(MARGIN_PX, 14, title, 22)
        self.pen.text(MARGIN_PX, 48, _seen(maps), 13, QUIET)
        self.pen.text(MARGIN_PX, TITLE_PX + 8, "The frames", 15)
        for column, frame in enumerate(self.shown):
            x, y = self._place(column, TITLE_PX)
            self.pen.paste(x, y, plain(maps.frames[frame], self.size))
            self.pen.text(x, y + self.size[1] + 4, _name(maps, frame), 12, QUIET)

    def _maps(self, top: int, row: _Row) -> None:
        self.pen.text(MARGIN_PX, top + 8, row.title, 15)
        for column, frame in enumerate(self.shown):
            x, y = self._place(column, top)
            self.pen.paste(x, y, heated(row.picture(frame), row.heat[frame], row.scale, self.size))
            self.pen.text(x, y + self.size[1] + 4, row.captions[frame], 12, QUIET)
        x, y = self._place(len(self.shown), top)
        self.pen.scale(x, y, self.size[1], row.scale, row.write)

    def _place(self, column: int, top: int) -> tuple[int, int]:
        return MARGIN_PX + column * COLUMN_PX, top + ROW_TITLE_PX

    def _grid(self, top: int) -> None:
        maps, cell, values = self.maps, self.cell_px, self.maps.over_time.numpy()
        (frames, columns), motion = values.shape, maps.motion_frames
        left, above, bottom = MARGIN_PX + AXIS_PX, top + ROW_TITLE_PX, top + ROW_TITLE_PX + frames * cell
        scale = HeatScale.of(values, outliers=0.0)
        self.pen.text(MARGIN_PX, top + 8, f"Along time: rows sum to 100 %, an even look is {percent(1 / columns)}", 15)
        self.pen.matrix(left, above, cell, values, scale)
        self.pen.upright(left + motion * cell, above, bottom - 1)
        for row in range(frames):
            self.pen.text(left - 6, above + (row + 0.5) * cell, str(maps.first_frame + row), 11, anchor="rm")
        for column in range(columns):
            name = f"m{column + 1}" if column < motion else str(maps.first_frame + column - motion)
            self.pen.text(left + (column + 0.5) * cell, bottom + 4, name, 11, anchor="ma")
        self.pen.beside(MARGIN_PX - 8, (above + bottom) // 2, "this frame looks ...")
        self.pen.text(left, bottom + 22, "... at this one; m: the motion frames, from before the clip", 13)
        self.pen.scale(left + columns * cell + GAP_PX, above, frames * cell, scale, percent)

    def _curves(self, top: int) -> None:
        maps = self.maps
        left = MARGIN_PX + AXIS_PX + maps.over_time.shape[1] * self.cell_px + GAP_PX + BAR_PX + 140
        names = [str(maps.first_frame + frame) for frame in range(len(maps.frames))]
        height = (maps.over_time.shape[0] * self.cell_px - AXIS_PX) // 2
        curves = ("portrait", maps.portrait_share, LINES[0]), ("motion frames", maps.motion_share, LINES[1])
        for number, (name, heat, colour) in enumerate(curves):
            above = top + ROW_TITLE_PX + number * (height + AXIS_PX)
            self.pen.text(left, above - 22, f"Mean share on the {name}, frame by frame", 15)
            values = reduce(heat, "f h w -> f", "mean").tolist()
            self.pen.curve((left, above, OVERVIEW_PX - MARGIN_PX, above + height), values, names, colour, percent)


def _fitted(maps: AttentionMaps, width: int, height: int) -> tuple[int, int]:
    """The frames' shape within a width and a height."""
    rows, columns = maps.frames.shape[1:3]
    zoom = min(width / columns, height / rows)
    return max(1, round(columns * zoom)), max(1, round(rows * zoom))


def _name(maps: AttentionMaps, frame: int) -> str:
    number = maps.first_frame + frame
    return f"frame {number}, {float(number / maps.fps):.2f} s"


def _seen(maps: AttentionMaps) -> str:
    phase, scale = maps.settings.phase, maps.settings.scale
    steps = "all denoising steps" if phase == ALL else f"the {phase} third of the denoising steps"
    layers = "layers of every scale" if scale == ALL else f"layers at {scale} of the frame's size"
    return f"Means over heads, {steps}, and {layers}; the conditional half of guidance."
