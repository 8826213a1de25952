"""What is behind the actor: quiet, so that the face is what is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .canvas import Canvas, Color
from .palette import any_hue, darker, lighter, mix
from .shapes import glow, inside, soft

STYLES = ("plain", "gradient", "halo", "stripes", "dots", "hills", "lights", "wall")


@dataclass(frozen=True)
class Background:
    style: str
    color: Color
    second: Color
    angle: float  # radians
    places: tuple[tuple[float, float, float], ...]  # x, y, radius of what stands about, in the picture's units

    @staticmethod
    def drawn(rng: np.random.Generator) -> Background:
        color = any_hue(rng, (0.1, 0.5), (0.5, 0.95))
        return Background(
            style=STYLES[rng.integers(len(STYLES))],
            color=color,
            second=mix(color, any_hue(rng, (0.1, 0.5), (0.55, 1.0)), 0.6),
            angle=rng.uniform(0, np.pi),
            places=tuple((*rng.uniform(-1, 1, 2).tolist(), rng.uniform(0.12, 0.35)) for _ in range(9)),
        )


def paint_background(canvas: Canvas, background: Background) -> None:
    """The same for every frame, so it is painted once."""
    whole = Canvas(1, canvas.size_px, canvas.pixels.device)
    patch = whole.whole()
    x, y = torch.broadcast_tensors(patch.x, patch.y)
    along = x * float(np.cos(background.angle)) + y * float(np.sin(background.angle))
    first, second = background.color, background.second
    style = background.style
    patch.paint(torch.ones_like(x), first)
    if style == "gradient":
        patch.paint(soft(along, 2.6), second)
    elif style == "halo":
        patch.paint(glow(x, y + 0.1, 1.6, 1.6), lighter(second, 0.3))
    elif style == "stripes":
        wave = (along / 0.5) % 1.0
        patch.paint(0.5 * inside(((wave - 0.5).abs() - 0.25) * 0.5, patch.px), second)
    elif style == "dots":
        across = -x * float(np.sin(0.6)) + y * float(np.cos(0.6))
        down = x * float(np.cos(0.6)) + y * float(np.sin(0.6))
        u, v = (across / 0.4) % 1.0 - 0.5, (down / 0.4) % 1.0 - 0.5
        patch.paint(0.5 * inside((u * u + v * v).sqrt() * 0.4 - 0.09, patch.px), second)
    elif style == "hills":
        patch.paint(soft(y + 0.3, 1.6), lighter(first, 0.45))
        for number, (place, _, radius) in enumerate(background.places[:3]):
            ridge = 0.25 * number + 0.25 * (3.0 * x + 5 * place).sin() * (0.5 + radius)
            patch.paint(inside(ridge - y, patch.px), darker(second, 0.12 * number))
    elif style == "lights":
        patch.paint(soft(-y, 2.0), darker(second, 0.25))
        for place_x, place_y, radius in background.places:
            away = ((x - place_x) ** 2 + (y - place_y) ** 2).sqrt()
            patch.light(0.22 * soft(away - 0.7 * radius, 0.06), lighter(second, 0.5))
    elif style == "wall":
        patch.paint(inside(0.35 - y, patch.px), darker(first, 0.22))
        patch.paint(inside((y - 0.35).abs() - 0.03, patch.px), lighter(first, 0.35))
        px, py, radius = background.places[0]
        side = 0.72 if px > 0 else -0.72
        frame = torch.maximum((x - side).abs() - 0.22, (y + 0.45).abs() - 0.2 - 0.3 * radius)
        patch.paint(inside(frame, patch.px), lighter(second, 0.6))
        patch.paint(inside(frame + 0.05, patch.px), second)
    patch.shade(0.16 * (1 - glow(x, y, 2.0, 2.0)))
    canvas.pixels.copy_(whole.pixels)
