"""Frames to paint on. A picture spans -1..1 in x (to the right) and y (down); paint falls on small patches of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from .placement import Placement

Color = tuple[float, float, float]  # RGB, 0..1


@dataclass(frozen=True)
class Patch:
    """A rectangle of all frames at once, seen in the coordinates of what is painted there."""

    x: Tensor  # (f h w): local, at the pixels' centers
    y: Tensor  # (f h w)
    px: Tensor  # (f 1 1): a pixel's side in local units
    pixels: Tensor  # (f 3 h w): a view of the canvas

    def paint(self, cover: Tensor, color: Color | Tensor) -> None:
        """cover: (f h w), 0..1.  color: one, or (f 3 h w) or what broadcasts to it."""
        self.pixels.lerp_(self._as_pixels(color), rearrange(cover, "f h w -> f 1 h w"))

    def shade(self, amount: Tensor, color: Color = (0.0, 0.0, 0.0)) -> None:
        """Multiply towards `color` by amount (f h w), 0 leaves the picture as it is: shadows and glazes."""
        glaze = 1 - rearrange(amount, "f h w -> f 1 h w") * (1 - self._as_pixels(color))
        self.pixels.mul_(glaze)

    def light(self, amount: Tensor, color: Color = (1.0, 1.0, 1.0)) -> None:
        """Move towards `color` by amount (f h w): highlights."""
        self.pixels.lerp_(self._as_pixels(color), rearrange(amount, "f h w -> f 1 h w"))

    def _as_pixels(self, color: Color | Tensor) -> Tensor:
        if isinstance(color, Tensor):
            return color
        return rearrange(torch.tensor(color, device=self.pixels.device), "c -> 1 c 1 1")


class Canvas:
    """f frames of size_px × size_px; painted in place."""

    def __init__(self, frames: int, size_px: int, device: torch.device) -> None:
        self.size_px = size_px
        self.pixels = torch.zeros(frames, 3, size_px, size_px, device=device)
        self._centers = (torch.arange(size_px, device=device) + 0.5) * (2 / size_px) - 1

    def whole(self) -> Patch:
        """All of it in the picture's own coordinates, the same for every frame: x (1 1 w), y (1 h 1)."""
        x, y = rearrange(self._centers, "w -> 1 1 w"), rearrange(self._centers, "h -> 1 h 1")
        px = torch.full((1, 1, 1), 2 / self.size_px, device=self.pixels.device)
        return Patch(x, y, px, self.pixels)

    def patch(self, place: Placement, left: float, top: float, right: float, bottom: float) -> Patch:
        """The pixels that the local rectangle covers in any frame, a pixel more on each side; at least one pixel."""
        low, high = place.bounds(left, top, right, bottom)
        columns, rows = (self._pixels_between(a, b) for a, b in zip(low, high, strict=True))
        across = rearrange(self._centers[columns], "w -> 1 1 w")
        down = rearrange(self._centers[rows], "h -> 1 h 1")
        x, y = place.local(across, down)
        return Patch(x, y, place.px(2 / self.size_px), self.pixels[:, :, rows, columns])

    def _pixels_between(self, low: float, high: float) -> slice:
        first, last = (math.floor((edge + 1) / 2 * self.size_px) for edge in (low, high))
        first = min(max(first - 1, 0), self.size_px - 1)
        return slice(first, max(min(last + 2, self.size_px), first + 1))
