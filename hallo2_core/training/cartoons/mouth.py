"""The mouth: lips, teeth and tongue, from five curves; the same numbers are the ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from torch import Tensor

from .canvas import Canvas, Color, Patch
from .head_pose import HeadPose
from .palette import darker, lighter, mix
from .shapes import arch, band, ellipse_distance, glow, inside, soft
from .skull import Skull
from .tracks import Tracks

WIDEST_GAP = 0.36  # between the inner lips, in head units
UPPER_SHARE = 0.28  # of the gap, above the line where the lips meet
REACH = 1.07  # the lips end so much further out than the gap between them
TEETH: Color = (0.96, 0.95, 0.91)
TONGUE: Color = (0.80, 0.36, 0.36)
DARK: Color = (0.26, 0.07, 0.08)


@dataclass(frozen=True)
class Mouth:
    """Lengths in head units (see head_pose)."""

    y: float
    half_width: float
    upper_lip: float
    lower_lip: float
    bow: float  # how deep the notch of the upper lip is, 0..1
    rest_smile: float
    color: Color

    @staticmethod
    def drawn(rng: np.random.Generator, skin: Color) -> Mouth:
        rouge = (0.78, 0.22, 0.30) if rng.random() < 0.25 else (0.72, 0.36, 0.34)
        return Mouth(
            y=rng.uniform(0.62, 0.67),
            half_width=rng.uniform(0.26, 0.33),
            upper_lip=rng.uniform(0.045, 0.075),
            lower_lip=rng.uniform(0.065, 0.1),
            bow=rng.uniform(0.1, 0.4),
            rest_smile=rng.uniform(0.02, 0.06),
            color=mix(darker(skin, 0.08), rouge, rng.uniform(0.45, 0.75)),
        )

    def shape(self, tracks: Tracks) -> MouthShape:
        happy, sad, angry, surprised = (tracks.weight_of(name) for name in ("happy", "sad", "angry", "surprised"))
        pursed = tracks.mouth_round
        stretch = 0.2 * tracks.mouth_width - 0.36 * pursed + 0.16 * happy - 0.06 * sad - 0.08 * angry - 0.14 * surprised
        gap = WIDEST_GAP * (tracks.mouth_open * (1 - 0.25 * pursed) + 0.17 * surprised * (1 - tracks.mouth_open))
        return MouthShape(
            half_width=self.half_width * (1 + stretch),
            gap=gap,
            smile=self.rest_smile + (0.085 * happy - 0.085 * sad - 0.055 * angry) * (1 - 0.4 * pursed),
            fullness=(0.95 - 0.25 * tracks.mouth_open - 0.3 * pursed - 0.2 * surprised).clamp(0.5, 1),
            plump=1 + 0.3 * pursed,
        )


@dataclass(frozen=True)
class MouthShape:
    """One frame after another, (f) each, in head units."""

    half_width: Tensor  # from the middle to a corner
    gap: Tensor  # between the inner lips in the middle; 0 is shut
    smile: Tensor  # how much higher the corners are than the middle
    fullness: Tensor  # the exponent of the gap's arches: less is rounder
    plump: Tensor  # how much thicker the lips are than at rest

    def columns(self) -> MouthShape:
        """The same numbers as (f 1 1), to be used beside (f h w)."""
        return MouthShape(*(rearrange(curve, "f -> f 1 1") for curve in vars(self).values()))

    def line(self, u: Tensor) -> Tensor:
        """Where the lips meet, y at u = -1..1 from corner to corner."""
        return -self.smile * (u * u - 0.35)


def paint_mouth(canvas: Canvas, mouth: Mouth, skull: Skull, pose: HeadPose, tracks: Tracks) -> None:
    patch = canvas.patch(pose.on_face(0.0, mouth.y, 0.06), -0.55, -0.32, 0.55, 0.52)
    shape = mouth.shape(tracks).columns()
    u = patch.x / shape.half_width
    line = shape.line(u.clamp(-1.15, 1.15))
    opening = arch(u, shape.fullness)
    top = line - UPPER_SHARE * shape.gap * opening
    bottom = line + (1 - UPPER_SHARE) * shape.gap * opening
    _paint_lips(patch, mouth, skull, shape, u, line, top, bottom)
    _paint_inside(patch, shape, tracks, u, line, top, bottom)
    shut = 0.013 * arch(u / 1.05, 0.6)  # the line between lips that touch, and the corners
    patch.shade(0.8 * band(patch.y, top - shut, top + shut, patch.px) * (1 - 0.6 * opening * (shape.gap > 0.06)),
                darker(mouth.color, 0.6))  # fmt: skip


def _paint_lips(patch: Patch, mouth: Mouth, skull: Skull, shape: MouthShape, u: Tensor, line: Tensor, top: Tensor,
                bottom: Tensor) -> None:  # fmt: skip
    outer = u / REACH
    notch = 1 - mouth.bow * (1 - (outer / 0.28) ** 2).clamp_min(0)
    high = top - mouth.upper_lip * shape.plump * arch(outer, 0.9) * notch
    low = bottom + mouth.lower_lip * shape.plump * arch(outer, 0.75)
    patch.shade(0.3 * glow(patch.x, patch.y - (low + 0.055), 0.6 * shape.half_width + 0 * u, 0.075), skull.shadow)
    patch.paint(band(patch.y, high, line, patch.px), darker(mouth.color, 0.14))
    patch.paint(band(patch.y, line, low, patch.px), mouth.color)
    middle = 0.5 * (bottom + low) - 0.005
    shine = glow(patch.x + 0.03, patch.y - middle, 0.5 * shape.half_width + 0 * u, 0.45 * mouth.lower_lip)
    patch.light(0.4 * shine, lighter(mouth.color, 0.55))


def _paint_inside(patch: Patch, shape: MouthShape, tracks: Tracks, u: Tensor, line: Tensor, top: Tensor,
                  bottom: Tensor) -> None:  # fmt: skip
    hole = band(patch.y, top, bottom, patch.px)
    together, raised, pursed = (
        rearrange(curve, "f -> f 1 1") for curve in (tracks.teeth, tracks.tongue, tracks.mouth_round)
    )
    patch.paint(hole, DARK)
    height = bottom - top
    # The tongue lies at the bottom and comes up to the teeth.
    tongue_y = line + (1 - UPPER_SHARE) * shape.gap * (0.95 - 0.75 * raised + 0.25 * pursed)
    tongue = ellipse_distance(patch.x, patch.y - tongue_y, 0.62 * shape.half_width, 0.10 + 0.03 * raised)
    patch.paint(hole * inside(tongue, patch.px), TONGUE)
    patch.shade(hole * 0.35 * inside(tongue, patch.px) * soft(patch.x.abs() - 0.004, 0.02), darker(TONGUE, 0.4))
    edge = soft(u.abs() - 0.84, 0.2)
    upper = top + 0.085 * (1 - 0.75 * pursed) * (1 - 0.35 * u * u) * edge
    patch.paint(hole * band(patch.y, top - 0.02, upper, patch.px), TEETH)
    lower = bottom - together * (height - 0.09).clamp(0, 0.075) * edge
    patch.paint(hole * band(patch.y, lower, bottom + 0.02, patch.px) * (together > 0), TEETH)
    patch.shade(hole * 0.5 * soft(patch.y - top - 0.01, 0.06))
