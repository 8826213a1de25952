"""Hair and hats: what hangs behind the head, and the cap of hair on it, which ends at a hairline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .canvas import Canvas, Color, Patch
from .head_pose import HeadPose
from .palette import FANCY_HAIRS, HAIRS, any_hue, darker, lighter, near
from .shapes import capsule, ellipse, ellipse_distance, glow, inside, soft
from .skull import Skull

STYLES = (
    "bald", "buzz", "short", "side parting", "fringe", "quiff", "spiky", "curly", "afro", "receding", "horseshoe",
    "long", "curtains", "bob", "wavy", "bun", "pigtails", "beanie",
)  # fmt: skip
LONG = ("long", "curtains", "bob", "wavy")
COVERS_EARS = ("long", "curtains", "bob", "wavy", "afro")


@dataclass(frozen=True)
class Hair:
    """Lengths in head units (see head_pose)."""

    style: str
    color: Color
    volume: float  # how far it stands off the skull
    parting: float  # where it parts: -1 left .. 1 right
    line: float  # how high the hairline is in the middle, y
    length: float  # of hair that hangs: 0 to the jaw .. 1 to below the shoulders
    phase: float  # of its waves
    hat: Color

    @staticmethod
    def drawn(rng: np.random.Generator) -> Hair:
        return Hair(
            style=STYLES[rng.integers(len(STYLES))],
            color=near(rng, FANCY_HAIRS if rng.random() < 0.06 else HAIRS, 0.03),
            volume=rng.uniform(0.05, 0.12),
            parting=float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.5)),
            line=rng.uniform(-0.66, -0.52),
            length=rng.uniform(0.0, 1.0),
            phase=rng.uniform(0, 2 * np.pi),
            hat=any_hue(rng, (0.3, 0.65), (0.35, 0.85)),
        )


def paint_hair_behind(canvas: Canvas, hair: Hair, skull: Skull, pose: HeadPose) -> None:
    """What is seen beside the neck and around the head, before neck and head are painted over it."""
    if hair.style in LONG:
        _paint_hanging(canvas, hair, skull, pose)
    elif hair.style == "bun":
        patch = canvas.patch(pose.flat(0.0, -1.12, -0.3), -0.5, -0.5, 0.5, 0.5)
        _paint_strands(patch, hair, ellipse(patch.x, patch.y, 0.33, 0.28, patch.px), 7 * patch.x + 4 * patch.y)
    elif hair.style == "pigtails":
        for side in (-1, 1):
            patch = canvas.patch(pose.flat(side * (skull.half_width + 0.16), 0.2, -0.3), -0.5, -0.5, 0.5, 1.0)
            tail = ellipse_distance(patch.x - side * 0.08 * patch.y, patch.y - 0.22, 0.21, 0.55)
            _paint_strands(patch, hair, inside(tail, patch.px), 9 * patch.x)
            patch.paint(ellipse(patch.x + side * 0.06, patch.y + 0.3, 0.1, 0.07, patch.px), hair.hat)
    elif hair.style in ("afro", "curly"):
        patch = canvas.patch(pose.flat(0.0, 0.0, -0.2), -1.6, -1.7, 1.6, 1.2)
        _paint_strands(patch, hair, inside(_lumps(patch, hair, skull), patch.px), 8 * patch.x + 8 * patch.y)


def paint_hair(canvas: Canvas, hair: Hair, skull: Skull, pose: HeadPose) -> None:
    """The cap of hair over the forehead, and hats."""
    if hair.style == "bald":
        return
    patch = canvas.patch(pose.outline, -1.35, -1.6, 1.35, 0.9)
    x, y = patch.x - 0.8 * pose.lean, patch.y - 0.8 * pose.nod
    distance = skull.distance(patch.x, patch.y, pose)
    if hair.style == "beanie":
        _paint_beanie(patch, hair, skull, x, y, distance)
        return
    line, soft_edge = _hairline(hair, skull, x)
    cover = inside(distance - _thickness(hair, patch, skull), patch.px) * soft(y - line, patch.px + soft_edge)
    if hair.style == "horseshoe":
        crown = ellipse_distance(x, y + 0.3, 0.8 * skull.half_width, 0.95)
        cover = cover * soft(-crown, 0.06) * soft(-(y + 0.6), 0.25)
    if hair.style == "buzz":
        cover = 0.8 * cover
    if hair.style not in ("buzz", "horseshoe"):
        patch.shade(0.35 * inside(distance, patch.px) * soft(y - line - 0.05, 0.12), skull.shadow)
    _paint_strands(patch, hair, cover, _strands(hair, x, y))


def _hairline(hair: Hair, skull: Skull, x: Tensor) -> tuple[Tensor, float]:
    """Where the cap ends (y at every x), and how softly."""
    u = (x / skull.half_width).clamp(-1.3, 1.3)
    a = u.abs()
    sides = a**6
    high = hair.line
    if hair.style == "fringe":
        cut = -0.26 + 0.02 * (16 * u + hair.phase).sin() - 0.06 * u * u
        return cut + (0.3 - cut) * a.clamp_max(1) ** 14, 0.01
    if hair.style == "bob":
        return -0.25 - 0.05 * u * u + 1.15 * a.clamp_max(1.05) ** 16, 0.01
    if hair.style in ("side parting", "wavy"):
        sweep = (u - hair.parting) * float(np.sign(hair.parting))
        lock = high + 0.05 + 0.36 * (-sweep).clamp_min(0) ** 0.9 + 0.55 * sweep.clamp_min(0) ** 2
        return torch.maximum(lock, high + (0.2 - high) * sides * 1.0), 0.015
    if hair.style in ("long", "curtains"):
        reach = (u - 0.3 * hair.parting).abs()
        lock = reach**1.8 if hair.style == "curtains" else 0.8 * reach**2.6
        return high - 0.06 + lock, 0.015
    if hair.style == "horseshoe":
        return 0.12 + 0 * u, 0.02
    recess = 0.2 if hair.style == "receding" else 0.06
    temples = high - recess * (1 - ((a - 0.55) / 0.25) ** 2).clamp_min(0)
    wave = 0.012 * (22 * u + hair.phase).sin() * (hair.style in ("short", "spiky"))
    down = {"buzz": 0.02, "afro": 0.0, "curly": 0.05}.get(hair.style, 0.12)
    return temples + wave + (down - high) * sides, 0.05 if hair.style == "buzz" else 0.02


def _thickness(hair: Hair, patch: Patch, skull: Skull) -> Tensor:
    """How far the hair stands off the skull, at every point around it."""
    up = (-patch.y).clamp(0, 1)
    u = patch.x / skull.half_width
    if hair.style == "buzz":
        return 0.015 + 0 * up
    if hair.style == "quiff":
        lifted = glow(u - 0.5 * hair.parting, patch.y + 1.05, 0.95, 0.65)
        return 0.6 * hair.volume + 0.30 * lifted + 0.015 * (14 * u + hair.phase).sin() * up
    if hair.style == "spiky":
        tooth = 2 * (((3.2 * u + hair.phase) % 1.0) - 0.5).abs()
        return 0.05 + 0.22 * tooth * up * up
    if hair.style in ("curly", "afro"):
        wave = (11 * u + hair.phase).sin() * 0.02 + (9 * patch.y + hair.phase).cos() * 0.02
        return (0.16 if hair.style == "curly" else 0.3) * (0.35 + 0.65 * up) + wave
    if hair.style == "bun":
        return 0.5 * hair.volume * (0.3 + 0.7 * up)
    return hair.volume * (0.45 + 0.75 * up)


def _lumps(patch: Patch, hair: Hair, skull: Skull) -> Tensor:
    big = hair.style == "afro"
    y = patch.y + (0.32 if big else 0.28)
    reach = 1.08 if big else 0.95
    angle = torch.atan2(y, patch.x)
    bumps = 0.03 * (13 * angle + hair.phase).cos() + 0.015 * (29 * angle).sin()
    return ellipse_distance(patch.x, y, skull.half_width + 0.45 * (reach - 0.55), reach) + bumps


def _paint_hanging(canvas: Canvas, hair: Hair, skull: Skull, pose: HeadPose) -> None:
    end = {"bob": 0.75 + 0.2 * hair.length, "wavy": 1.0 + 0.5 * hair.length}.get(hair.style, 1.0 + 0.8 * hair.length)
    patch = canvas.patch(pose.flat(0.0, 0.0, -0.25), -1.5, -1.3, 1.5, 2.1)
    wave = 0.0
    if hair.style == "wavy":
        wave = 0.05 * (6.5 * patch.y + hair.phase).sin() * (patch.y > -0.4)
    half = skull.half_width + 0.06 + hair.volume + 0.1 * patch.y.clamp(0, 1.4) + wave
    top = ellipse_distance(patch.x, patch.y, skull.half_width + 0.06 + hair.volume, 1.0 + hair.volume)
    sides = torch.maximum(patch.x.abs() - half, torch.maximum(-patch.y, patch.y - end + 0.25 * patch.x**2))
    _paint_strands(patch, hair, inside(torch.minimum(top, sides), patch.px), 11 * patch.x + wave * 30, dim=0.2)


def _paint_beanie(patch: Patch, hair: Hair, skull: Skull, x: Tensor, y: Tensor, distance: Tensor) -> None:
    fringe = inside(distance - 0.03, patch.px) * soft(y - _hairline(hair, skull, x)[0], 0.03)
    _paint_strands(patch, hair, fringe, 10 * x)
    rim = -0.38 - 0.05 * (1 - (x / skull.half_width) ** 2)
    dome = inside(distance - 0.13 - 0.06 * (-y).clamp(0, 1), patch.px) * inside(y - rim, patch.px)
    patch.paint(dome, hair.hat)
    patch.shade(dome * 0.3 * soft(0.3 - 0.6 * patch.x, 1.3))
    ribs = 0.5 + 0.5 * (26 * x / skull.half_width).sin()
    cuff = inside(distance - 0.17, patch.px) * inside(y - rim, patch.px) * inside(rim - 0.24 - y, patch.px)
    patch.paint(cuff, lighter(hair.hat, 0.16))
    patch.shade(cuff * 0.22 * ribs)
    bob = capsule(x, y + 1.22, (0.0, 0.0), (0.0, -0.02), 0.14, patch.px)
    patch.paint(bob, lighter(hair.hat, 0.55))
    patch.shade(bob * 0.25 * soft(-(y + 1.2), 0.2))


def _strands(hair: Hair, x: Tensor, y: Tensor) -> Tensor:
    """A phase that runs across the strands."""
    if hair.style in ("side parting", "fringe", "wavy", "quiff"):
        return 13 * (x - 0.4 * hair.parting) / (y + 1.9).clamp_min(0.3) ** 0.9 + hair.phase
    if hair.style in ("curly", "afro"):
        return 7 * (x + hair.phase).sin() + 9 * y
    return 15 * x / (y.abs() * 0.5 + 0.8) + hair.phase


def _paint_strands(patch: Patch, hair: Hair, cover: Tensor, phase: Tensor, dim: float = 0.0) -> None:
    """Hair color, darker and lighter from strand to strand, with a gloss where the light falls."""
    strand = 0.5 + 0.35 * phase.sin() + 0.15 * (2.7 * phase + 1.0).sin()
    light = 0.55 - 0.4 * patch.x - 0.3 * patch.y
    tone = rearrange((0.45 * strand + 0.55 * light).clamp(0, 1), "f h w -> f 1 h w")
    dark, bright = (
        torch.tensor(color, device=phase.device).reshape(1, 3, 1, 1)
        for color in (darker(hair.color, 0.38 + dim), lighter(darker(hair.color, dim), 0.13))
    )
    patch.paint(cover, dark + (bright - dark) * tone)
    gloss = soft((patch.y + 0.74 - 0.25 * patch.x * patch.x).abs() - 0.02, 0.2) * (0.4 + 0.6 * strand)
    patch.light(0.35 * cover * gloss * soft(patch.x - 0.4, 1.2), lighter(hair.color, 0.5))
