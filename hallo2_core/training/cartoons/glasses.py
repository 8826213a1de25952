"""Glasses: frames, bridge and temples, with a gleam on the lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .canvas import Canvas, Color, Patch
from .eyes import Eyes
from .head_pose import HeadPose
from .shapes import capsule, inside, ring, soft
from .skull import Skull

FRAMES: tuple[Color, ...] = (
    (0.12, 0.11, 0.12), (0.35, 0.2, 0.13), (0.62, 0.2, 0.22), (0.2, 0.28, 0.45), (0.75, 0.62, 0.35), (0.55, 0.57, 0.6),
)  # fmt: skip


@dataclass(frozen=True)
class Glasses:
    """Lengths in head units (see head_pose)."""

    half_width: float
    half_height: float
    power: float  # of the lens' outline: 2 is round, more is squarer
    thickness: float
    frame: Color

    @staticmethod
    def drawn(rng: np.random.Generator) -> Glasses | None:
        if rng.random() > 0.28:
            return None
        return Glasses(
            half_width=rng.uniform(0.255, 0.29),
            half_height=rng.uniform(0.19, 0.26),
            power=rng.choice([2.0, 2.6, 3.6]),
            thickness=rng.uniform(0.012, 0.026),
            frame=FRAMES[rng.integers(len(FRAMES))],
        )


def paint_glasses(canvas: Canvas, glasses: Glasses, eyes: Eyes, skull: Skull, pose: HeadPose) -> None:
    middle = canvas.patch(pose.on_face(0.0, eyes.y, 0.14), -0.2, -0.2, 0.2, 0.2)
    gap = eyes.x - glasses.half_width
    for start, end in (((-gap - 0.01, 0.0), (0.0, -0.04)), ((0.0, -0.04), (gap + 0.01, 0.0))):
        middle.paint(capsule(middle.x, middle.y, start, end, glasses.thickness, middle.px), glasses.frame)
    for side in (-1, 1):
        patch = canvas.patch(pose.on_face(side * eyes.x, eyes.y, 0.1), -0.6, -0.4, 0.6, 0.4)
        lens = _lens(patch, glasses)
        patch.light(0.10 * inside(lens, patch.px))
        gleam = soft((patch.x + 0.7 * patch.y + 0.06).abs() - 0.03, 0.03)
        patch.light(0.16 * gleam * inside(lens, patch.px))
        hinge = (side * glasses.half_width, -0.05)
        ear = (side * (skull.half_width - eyes.x - 0.01), -0.03)
        patch.paint(capsule(patch.x, patch.y, hinge, ear, 0.9 * glasses.thickness, patch.px), glasses.frame)
        patch.paint(ring(lens, glasses.thickness, patch.px), glasses.frame)


def _lens(patch: Patch, glasses: Glasses) -> Tensor:
    """Signed distance to the lens' outline, close to it."""
    u = (patch.x / glasses.half_width).abs().clamp_min(1e-4) ** glasses.power
    v = (patch.y / glasses.half_height).abs().clamp_min(1e-4) ** glasses.power
    level = (u + v) ** (1 / glasses.power)
    return (level - 1) * (glasses.half_width + glasses.half_height) / 2
