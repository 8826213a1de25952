"""Beards and mustaches, below the mouth's paint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Color
from .head_pose import HeadPose
from .mouth import Mouth
from .palette import darker, mix
from .shapes import arch, band, glow, inside, soft
from .skull import Skull
from .tracks import Tracks

STYLES = ("stubble", "full", "goatee", "mustache", "chin strap")


@dataclass(frozen=True)
class Beard:
    style: str
    color: Color
    edge: float  # how softly it ends, in head units
    length: float  # how far it hangs over the chin, in head units

    @staticmethod
    def drawn(rng: np.random.Generator, hair: Color) -> Beard | None:
        if rng.random() > 0.26:
            return None
        return Beard(
            style=STYLES[rng.integers(len(STYLES))],
            color=darker(mix(hair, (0.2, 0.14, 0.1), 0.25), 0.05),
            edge=rng.uniform(0.05, 0.12),
            length=rng.uniform(0.0, 0.08),
        )


def paint_beard(canvas: Canvas, beard: Beard, mouth: Mouth, skull: Skull, pose: HeadPose, tracks: Tracks) -> None:
    if beard.style in ("stubble", "full", "chin strap"):
        _paint_jaw(canvas, beard, mouth, skull, pose)
    if beard.style == "goatee":
        patch = canvas.patch(pose.on_face(0.0, mouth.y + 0.27, 0.05), -0.4, -0.3, 0.4, 0.4)
        drop = 0.12 * tracks.mouth_open.reshape(-1, 1, 1)
        tuft = glow(patch.x, patch.y - drop - 0.03, 0.26, 0.24).sqrt()
        patch.paint(0.95 * soft(0.35 - tuft, 0.3), beard.color)
    if beard.style in ("full", "mustache", "goatee"):
        _paint_mustache(canvas, beard, mouth, pose, tracks)


def _paint_jaw(canvas: Canvas, beard: Beard, mouth: Mouth, skull: Skull, pose: HeadPose) -> None:
    patch = canvas.patch(pose.outline, -1.0, -0.2, 1.0, 1.35)
    outline = skull.distance(patch.x, patch.y - beard.length * patch.y.clamp(0, 1), pose)
    x = (patch.x - 0.5 * pose.lean) / skull.half_width
    below_mouth = mouth.y + (0.1 if beard.style == "chin strap" else -0.06)
    line = below_mouth - (below_mouth - 0.02) * x.abs().clamp_max(1.1) ** (6 if beard.style == "chin strap" else 3)
    cover = inside(outline, patch.px) * soft(line - patch.y, beard.edge)
    strength = 0.22 if beard.style == "stubble" else 0.94
    patch.paint(strength * cover, beard.color)
    if beard.style != "stubble":
        patch.light(0.12 * cover * glow(patch.x + 0.25, patch.y - 0.7, 0.5, 0.4), mix(beard.color, (1, 0.9, 0.8), 0.6))


def _paint_mustache(canvas: Canvas, beard: Beard, mouth: Mouth, pose: HeadPose, tracks: Tracks) -> None:
    patch = canvas.patch(pose.on_face(0.0, mouth.y, 0.08), -0.6, -0.4, 0.6, 0.3)
    shape = mouth.shape(tracks).columns()
    half = 1.1 * shape.half_width
    u = patch.x / half
    low = shape.line(u.clamp(-1.2, 1.2)) - 0.28 * shape.gap * arch(u, 0.8) - 0.3 * mouth.upper_lip
    low = low + 0.05 * (u * u).clamp_max(1.4)
    parting = 0.35 * (1 - (u / 0.16) ** 2).clamp_min(0)
    high = low - (0.15 * arch(0.92 * u, 0.8) * (1 - 0.5 * parting) + 0.02)
    cover = band(patch.y, high, low, patch.px.clamp_min(0.03)) * soft(u.abs() - 1.02, 0.2)
    patch.paint(0.94 * cover, beard.color)
