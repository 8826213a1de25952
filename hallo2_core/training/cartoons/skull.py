"""The head without its features: its outline, its skin and the light on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .canvas import Canvas, Color
from .head_pose import HeadPose
from .palette import SKINS, darker, lighter, mix, near
from .shapes import glow, inside, soft

BLUSH: Color = (0.95, 0.45, 0.42)


@dataclass(frozen=True)
class Skull:
    """Lengths in head units (see head_pose)."""

    half_width: float
    taper: float  # how much narrower the chin's end is than an oval
    jaw_power: float  # 2 is an oval, more is squarer
    crown_power: float
    cheek: float  # how much fuller the cheeks are
    skin: Color
    blush: float  # 0..1
    freckles: bool

    @staticmethod
    def drawn(rng: np.random.Generator) -> Skull:
        return Skull(
            half_width=rng.uniform(0.7, 0.82),
            taper=rng.uniform(0.0, 0.22),
            jaw_power=rng.uniform(2.0, 2.6),
            crown_power=rng.uniform(2.1, 2.5),
            cheek=rng.uniform(0.0, 0.06),
            skin=near(rng, SKINS, 0.02),
            blush=rng.uniform(0.1, 0.5),
            freckles=bool(rng.random() < 0.15),
        )

    @property
    def shadow(self) -> Color:
        """The skin where less light falls: darker, and warmer."""
        return mix(darker(self.skin, 0.3), (0.62, 0.26, 0.2), 0.2)

    @property
    def lit(self) -> Color:
        return mix(lighter(self.skin, 0.2), (1.0, 0.93, 0.8), 0.15)

    def distance(self, x: Tensor, y: Tensor, pose: HeadPose) -> Tensor:
        """(f h w): signed distance to the outline, exact on it. x, y: (f h w), in `pose.outline`."""
        below = y.clamp(0, 1.3)
        x = x - pose.lean * below * below
        y = torch.where(y > 0, y / pose.chin, y)
        middle = (1 - ((below - 0.35) / 0.5) ** 2).clamp_min_(0)
        wide = self.half_width * (1 + self.cheek * middle - self.taper * below * below)
        u, v = (x / wide).abs_(), y.abs()
        power = torch.where(y > 0, self.jaw_power, self.crown_power)
        u_power, v_power = u**power, v**power
        total = u_power + v_power + 1e-9
        level = total ** (1 / power)
        slope_x = u_power / (u.clamp_min_(1e-4) * wide)
        slope_y = v_power / v.clamp_min_(1e-4)
        slope = level / total * (slope_x * slope_x + slope_y * slope_y).sqrt_()
        return (level - 1) / slope.clamp_min_(1e-3)


def paint_skull(canvas: Canvas, skull: Skull, pose: HeadPose) -> None:
    """Skin, lit from the upper left; a shadow along the lower right edge; blush on the cheeks."""
    patch = canvas.patch(pose.outline, -1.05, -1.05, 1.05, 1.2)
    distance = skull.distance(patch.x, patch.y, pose)
    away = 0.62 * patch.x + 0.3 * patch.y
    dusk = soft(0.42 - away, 1.3) * 0.55 + soft(-distance - 0.1, 0.3) * 0.35
    dusk = rearrange(dusk.clamp_(0, 1), "f h w -> f 1 h w")
    skin, shadow, lit = (
        torch.tensor(c, device=distance.device).reshape(1, 3, 1, 1) for c in (skull.skin, skull.shadow, skull.lit)
    )
    shine = rearrange(glow(patch.x + 0.25, patch.y + 0.35, 0.7, 0.8), "f h w -> f 1 h w")
    patch.paint(inside(distance, patch.px), skin + (shadow - skin) * dusk + (lit - skin) * (0.55 * shine))


def paint_cheeks(canvas: Canvas, skull: Skull, pose: HeadPose) -> None:
    for side in (-1, 1):
        patch = canvas.patch(pose.on_face(side * 0.45, 0.38), -0.3, -0.25, 0.3, 0.25)
        patch.shade(skull.blush * glow(patch.x, patch.y, 0.28, 0.22), BLUSH)
        if skull.freckles:
            for x, y in ((-0.1, -0.06), (0.02, -0.09), (0.11, -0.03), (-0.05, 0.03), (0.06, 0.05)):
                patch.shade(0.3 * soft(((patch.x - x * side) ** 2 + (patch.y - y) ** 2).sqrt() - 0.014, 0.015), BLUSH)
