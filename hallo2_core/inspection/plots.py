"""The report's curves as one picture, drawn with Pillow, so that no plotting package is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from PIL import Image, ImageDraw, ImageFont

from .curve import Curve
from .report import DriftSummary

WIDTH_PX, PANEL_PX = 1200, 210
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 90, 20, 30, 30  # around the curves of each panel
PAPER, FRAME, GRID, TEXT = "#ffffff", "#808080", "#e4e4e4", "#202020"
BAND, LINE, SEAM = "#b9d3ee", "#1f5fa8", "#d03a2b"
TIME_MARKS, VALUE_MARKS = 6, 3

# Curve, its title, and whether the seams are marked on it.
PANELS = (
    ("change", "change from frame to frame, 0-255 (red: at clip borders)", True),
    ("similarity", "similarity of the face to the portrait (1: the same)", False),
    ("identity", "identity, cosine to the portrait", False),
    ("sharpness", "sharpness (1: the portrait's)", False),
    ("colour_drift", "distance from the portrait's mean color, 0-255", False),
)


@dataclass(frozen=True)
class TitledCurve:
    title: str
    curve: Curve
    seams: Curve | None = None  # marked in red


def draw_curves(summary: DriftSummary, fps: Fraction) -> Image.Image:
    """The report's measures, one panel each."""
    titled = (
        TitledCurve(title, summary.curves[name], summary.curves["seams"] if has_seams else None)
        for name, title, has_seams in PANELS
    )
    return draw_panels(list(titled), summary.frames, fps)


def draw_panels(curves: Sequence[TitledCurve], frames: int, fps: Fraction) -> Image.Image:
    """One panel per curve that has values: the line is the mean, the band the minimum and maximum in each column."""
    panels = [panel for panel in curves if any(panel.curve.columns)]
    picture = Image.new("RGB", (WIDTH_PX, PANEL_PX * max(len(panels), 1)), PAPER)
    for row, panel in enumerate(panels):
        _Panel(picture, row * PANEL_PX, panel.curve, panel.seams, frames).draw(panel.title, fps)
    return picture


class _Panel:
    def __init__(self, picture: Image.Image, top: int, curve: Curve, seams: Curve | None, frames: int) -> None:
        self.pen, self.font = ImageDraw.Draw(picture), ImageFont.load_default()
        self.left, self.right = LEFT_PX, WIDTH_PX - RIGHT_PX
        self.top, self.bottom = top + TOP_PX, top + PANEL_PX - BOTTOM_PX
        self.curve, self.seams, self.frames = curve, seams, max(frames, 2)
        columns = [column for column in curve.columns if column is not None]
        self.least, self.most = min(column.least for column in columns), max(column.most for column in columns)
        if self.most - self.least < 1e-9:
            self.least, self.most = self.least - 0.5, self.most + 0.5

    def draw(self, title: str, fps: Fraction) -> None:
        self._scales(title, fps)
        points = []
        for index, column in enumerate(self.curve.columns):
            if column is not None:
                x = self._x((index + 0.5) * self.curve.frames_per_column - 0.5)
                self.pen.line([(x, self._y(column.least)), (x, self._y(column.most))], BAND, 2)
                points.append((x, self._y(column.mean)))
        self.pen.line(points if len(points) > 1 else points * 2, LINE, 1)
        for index, column in enumerate(self.seams.columns if self.seams else ()):
            if column is not None:
                x = self._x((index + 0.5) * self.seams.frames_per_column - 0.5)
                self.pen.ellipse([x - 2, self._y(column.most) - 2, x + 2, self._y(column.most) + 2], SEAM)

    def _scales(self, title: str, fps: Fraction) -> None:
        self.pen.text((self.left, self.top - 18), title, TEXT, self.font)
        for mark in range(TIME_MARKS + 1):
            frame = mark / TIME_MARKS * (self.frames - 1)
            x, label = self._x(frame), f"{float(frame / fps):.2f} s"
            self.pen.line([(x, self.top), (x, self.bottom)], GRID)
            self.pen.text((x - self.pen.textlength(label, self.font) / 2, self.bottom + 6), label, TEXT, self.font)
        for mark in range(VALUE_MARKS + 1):
            value = self.least + mark / VALUE_MARKS * (self.most - self.least)
            y, label = self._y(value), f"{value:.3g}"
            self.pen.line([(self.left, y), (self.right, y)], GRID)
            self.pen.text((self.left - 8 - self.pen.textlength(label, self.font), y - 6), label, TEXT, self.font)
        self.pen.rectangle([self.left, self.top, self.right, self.bottom], outline=FRAME)

    def _x(self, frame: float) -> float:
        return self.left + max(frame, 0.0) / (self.frames - 1) * (self.right - self.left)

    def _y(self, value: float) -> float:
        return self.bottom - (value - self.least) / (self.most - self.least) * (self.bottom - self.top)
