"""The nose: light and shadow on bridge and tip, nostrils, and the fold beside the wings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .head_pose import HeadPose
from .palette import darker
from .shapes import capsule, ellipse_distance, glow, soft
from .skull import Skull


@dataclass(frozen=True)
class Nose:
    """Lengths in head units (see head_pose)."""

    y: float  # of the tip
    half_width: float  # of the wings
    tip: float  # radius
    lift: float  # how far the tip stands out

    @staticmethod
    def drawn(rng: np.random.Generator) -> Nose:
        return Nose(
            y=rng.uniform(0.36, 0.43),
            half_width=rng.uniform(0.13, 0.19),
            tip=rng.uniform(0.075, 0.11),
            lift=rng.uniform(0.14, 0.24),
        )


def paint_nose(canvas: Canvas, nose: Nose, skull: Skull, pose: HeadPose) -> None:
    shadow = darker(skull.shadow, 0.12)
    w = nose.half_width
    length = nose.y - 0.02
    bridge = canvas.patch(pose.on_face(0.0, nose.y - 0.5 * length, 0.5 * nose.lift), -0.3, -0.6 * length, 0.3,
                          0.6 * length)  # fmt: skip
    bridge.shade(0.38 * glow(bridge.x - 0.1, bridge.y, 0.11, 0.6 * length), shadow)
    bridge.light(0.30 * glow(bridge.x + 0.015, bridge.y, 0.06, 0.6 * length), skull.lit)

    tip = canvas.patch(pose.on_face(0.0, nose.y, nose.lift), -2.2 * w, -1.6 * w, 2.2 * w, 1.6 * w)
    tip.shade(0.35 * glow(tip.x, tip.y - 0.085, 1.5 * w, 0.12), shadow)
    for side in (-1, 1):
        away = ellipse_distance(tip.x - side * 0.62 * w, tip.y - 0.02, 0.46 * w, 0.075)
        fold = soft(away.abs() - 0.008, 0.04) * soft(-(side * tip.x - 0.78 * w), 0.1) * soft(tip.y - 0.09, 0.1)
        tip.shade(0.5 * fold, shadow)
    round_tip = ellipse_distance(tip.x, tip.y, 1.15 * nose.tip, nose.tip)
    tip.shade(0.30 * soft(round_tip.abs() - 0.006, 0.05) * soft(-(tip.y - 0.02), 0.1), shadow)
    tip.light(0.5 * glow(tip.x + 0.02, tip.y + 0.015, nose.tip, 0.85 * nose.tip), skull.lit)
    for side in (-1, 1):
        start, end = (side * 0.32 * w, 0.076), (side * 0.66 * w, 0.068)
        hole = capsule(tip.x, tip.y, start, end, 0.02, tip.px.clamp_min(0.02))
        tip.shade(0.85 * hole, darker(skull.shadow, 0.5))
