"""Ears, half behind the head, and what hangs from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Color
from .head_pose import HeadPose
from .shapes import ellipse, ellipse_distance, glow, inside, soft
from .skull import Skull

EARRINGS: tuple[Color, ...] = ((0.93, 0.77, 0.33), (0.86, 0.87, 0.9), (0.4, 0.75, 0.7), (0.85, 0.35, 0.4))


@dataclass(frozen=True)
class Ears:
    """Lengths in head units (see head_pose)."""

    half_height: float
    half_width: float
    y: float
    earring: Color | None

    @staticmethod
    def drawn(rng: np.random.Generator) -> Ears:
        return Ears(
            half_height=rng.uniform(0.19, 0.25),
            half_width=rng.uniform(0.12, 0.16),
            y=rng.uniform(0.12, 0.2),
            earring=EARRINGS[rng.integers(len(EARRINGS))] if rng.random() < 0.25 else None,
        )


def paint_ears(canvas: Canvas, ears: Ears, skull: Skull, pose: HeadPose) -> None:
    for side in (-1, 1):
        place = pose.flat(side * (skull.half_width + 0.02), ears.y, -0.12)
        patch = canvas.patch(place, -0.25, -0.4, 0.25, 0.5)
        x = patch.x - side * 0.18 * patch.y * -0.6
        outline = ellipse_distance(x, patch.y, ears.half_width, ears.half_height)
        patch.paint(inside(outline, patch.px), skull.skin)
        patch.shade(inside(outline, patch.px) * 0.5 * soft(-outline - 0.02, 0.08), skull.shadow)
        bowl = glow(x - side * 0.015, patch.y + 0.01, 0.7 * ears.half_width, 0.7 * ears.half_height)
        patch.shade(0.75 * bowl, skull.shadow)
        if ears.earring is not None:
            y = patch.y - ears.half_height - 0.045
            patch.paint(ellipse(x, y, 0.05, 0.05, patch.px), ears.earring)
            patch.light(0.8 * glow(x + 0.015, y + 0.018, 0.03, 0.03))
