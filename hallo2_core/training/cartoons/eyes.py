"""Eyes: white, iris, pupil and highlights behind lids that blink, and the brows above them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from torch import Tensor

from .canvas import Canvas, Color, Patch
from .head_pose import HeadPose
from .palette import IRISES, darker, lighter, mix, near
from .shapes import arch, band, ellipse, glow, soft
from .skull import Skull
from .tracks import Tracks

GAZE_X, GAZE_Y = 0.055, 0.03  # how far the iris goes, in head units


@dataclass(frozen=True)
class Eyes:
    """Lengths in head units (see head_pose). `side` is -1 for the eye on the picture's left, 1 for the other."""

    x: float  # from the middle of the face
    y: float
    half_width: float
    upper: float  # how high the upper lid arches
    lower: float  # how low the lower lid does
    slant: float  # the outer corner is higher by so much
    iris: Color
    iris_radius: float
    lashes: float  # thickness
    brow_rise: float  # from the eye up to the brow
    brow_thickness: float
    brow_arch: float
    brow: Color

    @staticmethod
    def drawn(rng: np.random.Generator, hair: Color) -> Eyes:
        half_width = rng.uniform(0.168, 0.205)
        return Eyes(
            x=rng.uniform(0.345, 0.375),
            y=rng.uniform(0.02, 0.1),
            half_width=half_width,
            upper=half_width * rng.uniform(0.58, 0.74),
            lower=half_width * rng.uniform(0.3, 0.42),
            slant=rng.uniform(-0.02, 0.03),
            iris=near(rng, IRISES),
            iris_radius=half_width * rng.uniform(0.47, 0.54),
            lashes=rng.uniform(0.018, 0.04),
            brow_rise=rng.uniform(0.25, 0.3),
            brow_thickness=rng.uniform(0.028, 0.055),
            brow_arch=rng.uniform(0.02, 0.07),
            brow=darker(mix(hair, (0.25, 0.17, 0.12), 0.35), 0.15),
        )

    def lids(self, tracks: Tracks) -> tuple[Tensor, Tensor, Tensor]:
        """Upper and lower lid (f 1 1): heights at the eye's middle, y down; and how far the inner corner is lowered."""
        happy, sad, angry, surprised = (
            rearrange(tracks.weight_of(name), "f -> f 1 1") for name in ("happy", "sad", "angry", "surprised")
        )
        blink = rearrange(tracks.blink, "f -> f 1 1")
        down = rearrange(tracks.gaze_y, "f -> f 1 1")
        height = self.upper * (1 - 0.12 * happy - 0.2 * sad - 0.22 * angry + 0.3 * surprised - 0.18 * down)
        low = self.lower * (1 - 0.55 * happy + 0.2 * surprised)
        shut = 0.75 * low
        return -height + blink * (height + shut), low + blink * (shut - low), 0.05 * angry - 0.03 * sad


def paint_eyes(canvas: Canvas, eyes: Eyes, skull: Skull, pose: HeadPose, tracks: Tracks) -> None:
    upper, lower, inner = eyes.lids(tracks)
    for side in (-1, 1):
        w = eyes.half_width
        patch = canvas.patch(pose.on_face(side * eyes.x, eyes.y), -1.7 * w, -1.9 * w, 1.7 * w, 1.3 * w)
        _paint_socket(patch, eyes, skull)
        outward = patch.x * (side / w)  # -1 at the inner corner, 1 at the outer one
        corners = -eyes.slant * outward
        top = corners + upper * arch(outward, 0.75) + inner * (0.5 - 0.5 * outward) * arch(outward, 1.0)
        bottom = corners + lower * arch(outward, 0.85)
        _paint_ball(patch, eyes, top, bottom, side, tracks)
        _paint_lids(patch, eyes, skull, outward, top, bottom)


def _paint_socket(patch: Patch, eyes: Eyes, skull: Skull) -> None:
    patch.shade(0.30 * glow(patch.x, patch.y + 0.03, 1.6 * eyes.half_width, 1.25 * eyes.half_width),
                darker(skull.shadow, 0.1))  # fmt: skip


def _paint_ball(patch: Patch, eyes: Eyes, top: Tensor, bottom: Tensor, side: int, tracks: Tracks) -> None:
    x = patch.x - GAZE_X * rearrange(tracks.gaze_x, "f -> f 1 1") + side * 0.008
    y = patch.y - GAZE_Y * rearrange(tracks.gaze_y, "f -> f 1 1") + 0.2 * eyes.lower
    cover = band(patch.y, top, bottom, patch.px)
    patch.paint(cover, (0.97, 0.96, 0.95))
    radius = eyes.iris_radius
    patch.paint(cover * ellipse(x, y, radius, radius, patch.px), darker(eyes.iris, 0.45))
    patch.paint(cover * ellipse(x, y, 0.86 * radius, 0.86 * radius, patch.px), eyes.iris)
    patch.light(cover * 0.7 * glow(x, y - 0.45 * radius, 0.75 * radius, 0.5 * radius), lighter(eyes.iris, 0.35))
    patch.paint(cover * ellipse(x, y, 0.46 * radius, 0.46 * radius, patch.px), (0.05, 0.04, 0.05))
    # The lid's shadow on the ball, then the highlights, which stay where the light is.
    patch.shade(cover * 0.45 * soft(patch.y - top - 0.02, 0.07))
    patch.paint(cover * ellipse(x + 0.34 * radius, y + 0.36 * radius, 0.24 * radius, 0.24 * radius, patch.px),
                (1.0, 1.0, 1.0))  # fmt: skip
    patch.light(cover * 0.6 * ellipse(x - 0.35 * radius, y - 0.38 * radius, 0.13 * radius, 0.13 * radius, patch.px))


def _paint_lids(patch: Patch, eyes: Eyes, skull: Skull, outward: Tensor, top: Tensor, bottom: Tensor) -> None:
    dark = (0.10, 0.07, 0.07)
    thick = eyes.lashes * (0.75 + 0.45 * outward.clamp(-1, 1)) * (outward.abs() < 1.12)
    lift = -0.035 * (outward - 0.9).clamp_min(0)  # the outer end is swept up
    patch.paint(band(patch.y, top - thick + lift, top + 0.012, patch.px) * soft(outward.abs() - 1.03, 0.16), dark)
    patch.shade(0.5 * band(patch.y, bottom - 0.004, bottom + 0.013, patch.px) * soft(outward.abs() - 0.85, 0.4),
                darker(skull.shadow, 0.25))  # fmt: skip
    crease = -0.055 + top.clamp_max(-0.3 * eyes.upper)
    patch.shade(0.5 * band(patch.y, crease - 0.012, crease + 0.012, patch.px) * soft(outward.abs() - 0.8, 0.5),
                darker(skull.shadow, 0.15))  # fmt: skip


def paint_brows(canvas: Canvas, eyes: Eyes, pose: HeadPose, tracks: Tracks) -> None:
    happy, sad, angry, surprised = (
        rearrange(tracks.weight_of(name), "f -> f 1 1") for name in ("happy", "sad", "angry", "surprised")
    )
    raised = rearrange(tracks.brow, "f -> f 1 1") * 0.07 + 0.02 * happy + 0.02 * sad - 0.06 * angry + 0.14 * surprised
    tilt = 0.085 * angry - 0.085 * sad  # the inner end down, the outer end up
    half = 1.28 * eyes.half_width
    for side in (-1, 1):
        place = pose.on_face(side * (eyes.x + 0.01), eyes.y - eyes.brow_rise, 0.03)
        patch = canvas.patch(place, -1.2 * half, -0.32, 1.2 * half, 0.25)
        outward = patch.x * (side / half)
        center = -raised - eyes.brow_arch * (arch(0.9 * outward - 0.15, 1.0) - 0.6) + (0.018 - tilt) * outward
        thick = eyes.brow_thickness * (0.95 - 0.45 * outward).clamp(0.2, 1.2) * (1 - outward**8).clamp_min(0) ** 0.5
        cover = band(patch.y, center - thick, center + thick, patch.px)
        patch.paint(0.92 * cover, eyes.brow)
