"""Neck, shoulders and what is worn on them. They stay where they are when the head moves, and rise with the breath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .canvas import Canvas, Color, Patch
from .head_pose import BREATH_RISE, Framing, HeadPose
from .palette import any_hue, darker, lighter, mix
from .placement import Placement
from .shapes import band, ellipse_distance, inside, ring, soft
from .skull import Skull
from .tracks import Tracks

STYLES = ("crew", "v neck", "shirt", "turtleneck", "hoodie", "stripes", "overalls")


@dataclass(frozen=True)
class Clothes:
    """Lengths in head units, measured from the head's middle at rest."""

    style: str
    color: Color
    second: Color  # of collar, stripes or what is worn below
    shoulders: float  # half their width
    top: float  # where they begin beside the neck
    neck: float  # its half width

    @staticmethod
    def drawn(rng: np.random.Generator, skull: Skull) -> Clothes:
        color = any_hue(rng, (0.15, 0.65), (0.3, 0.9))
        return Clothes(
            style=STYLES[rng.integers(len(STYLES))],
            color=color,
            second=lighter(color, 0.75) if rng.random() < 0.6 else any_hue(rng, (0.2, 0.6), (0.35, 0.95)),
            shoulders=rng.uniform(1.25, 1.6),
            top=rng.uniform(1.2, 1.3),
            neck=skull.half_width * rng.uniform(0.48, 0.6),
        )


def body_place(framing: Framing, tracks: Tracks) -> Placement:
    """The shoulders' own coordinates: head units around where the head is at rest."""
    rise = -0.7 * BREATH_RISE * tracks.breath
    origin = torch.stack([framing.center_x + 0 * rise, framing.center_y + rise], dim=1)
    return Placement(origin, framing.scale * torch.eye(2, device=rise.device).repeat(tracks.frames, 1, 1))


def paint_neck(canvas: Canvas, clothes: Clothes, skull: Skull, pose: HeadPose, body: Placement) -> None:
    """The neck goes from where the head is now to where the shoulders stay; the chin throws its shadow on it."""
    patch = canvas.patch(body, -1.0, 0.2, 1.0, 1.9)
    head = body.local(*(rearrange(value, "f -> f 1 1") for value in pose.flat(0.0, 0.5, -0.3).origin.unbind(1)))
    up = ((1.35 - patch.y) / 0.85).clamp(0, 1)
    middle = head[0] * up
    width = clothes.neck * (1 + 0.5 * ((patch.y - 1.15) / 0.3).clamp_min(0) ** 2)
    cover = inside((patch.x - middle).abs() - width, patch.px)
    patch.paint(cover, mix(skull.skin, skull.shadow, 0.35))
    patch.shade(0.5 * cover * soft(middle + 0.5 * width - patch.x, 0.5 * width), skull.shadow)


def paint_chin_shadow(canvas: Canvas, clothes: Clothes, skull: Skull, pose: HeadPose) -> None:
    """Upon the neck and what is worn around it, before the head is painted over it."""
    patch = canvas.patch(pose.outline, -1.0, 0.3, 1.0, 1.6)
    distance = skull.distance(patch.x - 0.03, patch.y - 0.13, pose)
    neck = soft((patch.x + 0.5 * pose.lean).abs() - clothes.neck, 0.12)
    patch.shade(0.75 * neck * soft(distance - 0.02, 0.22), (0.62, 0.42, 0.42))


def paint_clothes(canvas: Canvas, clothes: Clothes, body: Placement) -> None:
    patch = canvas.patch(body, -2.2, 0.9, 2.2, 2.2)
    beside = (patch.x.abs() / clothes.shoulders).clamp_max(1.6)
    edge = clothes.top + 0.04 + 0.42 * beside**2.6
    collar = ellipse_distance(patch.x, patch.y - clothes.top + 0.06, clothes.neck + 0.1, 0.2)
    if clothes.style == "v neck":
        collar = torch.minimum(collar, (patch.x.abs() * 1.6 + patch.y - clothes.top - 0.42) / 1.9)
    cloth = inside((edge - patch.y) * 0.8, patch.px) * (1 - inside(collar, patch.px))
    patch.paint(cloth, clothes.color)
    _paint_pattern(patch, clothes, cloth, collar)
    patch.shade(0.28 * cloth * soft(0.35 - 0.6 * patch.x - 0.15 * patch.y, 1.4))
    patch.light(0.12 * cloth * soft(patch.y - edge - 0.05, 0.3) * soft(patch.x, 1.0))
    _paint_collar(patch, clothes, cloth, collar)


def _paint_pattern(patch: Patch, clothes: Clothes, cloth: Tensor, collar: Tensor) -> None:
    if clothes.style == "stripes":
        wave = ((patch.y + 0.05 * patch.x**2) / 0.2) % 1.0
        patch.paint(0.85 * cloth * inside(((wave - 0.5).abs() - 0.22) * 0.2, patch.px), clothes.second)
    if clothes.style == "overalls":
        for side in (-1, 1):
            strap = (patch.x - side * 0.62 + side * 0.15 * (patch.y - 1.3)).abs() - 0.11
            patch.paint(cloth * inside(strap, patch.px), clothes.second)
        patch.paint(cloth * inside(1.72 - patch.y, patch.px), clothes.second)


def _paint_collar(patch: Patch, clothes: Clothes, cloth: Tensor, collar: Tensor) -> None:
    trim = darker(clothes.color, 0.22)
    if clothes.style in ("crew", "stripes", "overalls", "v neck"):
        patch.paint(cloth * ring(collar - 0.035, 0.035, patch.px), trim)
    elif clothes.style == "turtleneck":
        half = clothes.neck + 0.05
        sag = 0.12 * (1 - (patch.x / half) ** 2)
        beside = patch.x.abs() - half - 0.25 * (patch.y - clothes.top).clamp_min(0)
        tube = inside(torch.maximum(beside, clothes.top - 0.2 + sag - patch.y), patch.px)
        tube = tube * inside(patch.y - clothes.top - 0.22 - sag, patch.px)
        patch.paint(tube, lighter(clothes.color, 0.06))
        patch.shade(0.3 * tube * soft(0.1 - patch.x, 0.9))
    elif clothes.style == "hoodie":
        patch.paint(cloth * ring(collar - 0.11, 0.11, patch.px), lighter(clothes.color, 0.1))
        patch.shade(cloth * 0.5 * soft(collar.abs() - 0.02, 0.1))
        for side in (-1, 1):
            cord = (patch.x - side * (0.24 + 0.02 * patch.y)).abs() - 0.02
            patch.paint(cloth * inside(cord, patch.px) * inside(patch.y - 1.85, patch.px), clothes.second)
    elif clothes.style == "shirt":
        for side in (-1, 1):
            x = side * patch.x
            flap = band(patch.y, clothes.top - 0.1 + 0.75 * (0.55 - x).clamp_min(0) - 0.1, clothes.top + 0.42 - 0.5 * x,
                        patch.px) * inside(-x + 0.02, patch.px) * inside(x - 0.62, patch.px)  # fmt: skip
            patch.paint(flap, lighter(clothes.color, 0.22))
            patch.shade(0.25 * cloth * flap * soft(x - 0.05, 0.2))
        seam = cloth * inside(patch.x.abs() - 0.012, patch.px) * inside(1.5 - patch.y, patch.px)
        patch.shade(0.4 * seam)
