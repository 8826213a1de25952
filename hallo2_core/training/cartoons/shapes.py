"""How much of each pixel a shape covers: antialiased by distance, for any size of picture. All are (f h w) in, (f h w)
out, 0..1; px is a pixel's side in the same units."""

from __future__ import annotations

import torch
from torch import Tensor

Number = Tensor | float


def inside(distance: Tensor, px: Number) -> Tensor:
    """Covered where the signed distance is negative, with an edge one pixel wide."""
    return (0.5 - distance / px).clamp_(0, 1)


def soft(distance: Tensor, width: Number) -> Tensor:
    """As `inside`, with a smooth edge as wide as `width`."""
    step = (0.5 - distance / width).clamp_(0, 1)
    return step * step * (3 - 2 * step)


def ellipse_distance(x: Tensor, y: Tensor, a: Number, b: Number) -> Tensor:
    """Signed distance to an ellipse of half axes a, b around the origin; exact on its edge, close to it nearby."""
    u, v = x / a, y / b
    level = (u * u + v * v).sqrt_()
    slope = ((u / a) ** 2 + (v / b) ** 2).sqrt_()
    return level * (level - 1) / slope.clamp_min_(1e-6)


def ellipse(x: Tensor, y: Tensor, a: Number, b: Number, px: Number) -> Tensor:
    return inside(ellipse_distance(x, y, a, b), px)


def glow(x: Tensor, y: Tensor, a: Number, b: Number) -> Tensor:
    """A blob that is 1 in its middle and fades to 0 at the ellipse a, b."""
    u, v = x / a, y / b
    fade = (1 - u * u - v * v).clamp_min_(0)
    return fade * fade


def band(y: Tensor, top: Tensor, bottom: Tensor, px: Number) -> Tensor:
    """Between two curves, each given at every x: the exact share of the pixel's height, so thin bands fade."""
    low = torch.minimum(y + px / 2, bottom)
    high = torch.maximum(y - px / 2, top)
    return ((low - high) / px).clamp_(0, 1)


def capsule(x: Tensor, y: Tensor, start: tuple[float, float], end: tuple[float, float], radius: Number,
            px: Number) -> Tensor:  # fmt: skip
    """A line with round ends."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = max(along_x**2 + along_y**2, 1e-9)
    share = (((x - start[0]) * along_x + (y - start[1]) * along_y) / length).clamp_(0, 1)
    away = ((x - start[0] - share * along_x) ** 2 + (y - start[1] - share * along_y) ** 2).sqrt_()
    return inside(away - radius, px)


def ring(distance: Tensor, half_width: Number, px: Number) -> Tensor:
    """The outline of a shape, `half_width` to either side of its edge."""
    return inside(distance.abs() - half_width, px)


def arch(u: Tensor, power: Number) -> Tensor:
    """1 in the middle, 0 at u = ±1 and beyond: (1 - u²)^power; power 1 is a parabola, less is fuller."""
    return (1 - u * u).clamp_min_(0) ** power
