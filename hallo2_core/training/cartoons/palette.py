"""The colors that actors are made of, and how two are mixed."""

from __future__ import annotations

import colorsys

import numpy as np

from .canvas import Color

SKINS: tuple[Color, ...] = (
    (0.98, 0.86, 0.78), (0.96, 0.80, 0.70), (0.93, 0.75, 0.62), (0.88, 0.69, 0.54),
    (0.80, 0.60, 0.45), (0.70, 0.50, 0.36), (0.58, 0.40, 0.29), (0.46, 0.31, 0.23),
)  # fmt: skip
HAIRS: tuple[Color, ...] = (
    (0.10, 0.09, 0.10), (0.20, 0.14, 0.11), (0.33, 0.21, 0.14), (0.48, 0.31, 0.18), (0.66, 0.46, 0.25),
    (0.86, 0.70, 0.42), (0.71, 0.32, 0.15), (0.58, 0.58, 0.60), (0.86, 0.86, 0.87),
)  # fmt: skip
FANCY_HAIRS: tuple[Color, ...] = ((0.85, 0.38, 0.55), (0.32, 0.45, 0.75), (0.30, 0.58, 0.48), (0.50, 0.35, 0.68))
IRISES: tuple[Color, ...] = (
    (0.30, 0.19, 0.11), (0.42, 0.27, 0.14), (0.30, 0.47, 0.70), (0.33, 0.55, 0.40), (0.45, 0.52, 0.56),
    (0.52, 0.40, 0.18),
)  # fmt: skip


def mix(a: Color, b: Color, share: float) -> Color:
    """a where share is 0, b where it is 1."""
    return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))


def darker(color: Color, share: float) -> Color:
    return mix(color, (0.0, 0.0, 0.0), share)


def lighter(color: Color, share: float) -> Color:
    return mix(color, (1.0, 1.0, 1.0), share)


def near(rng: np.random.Generator, colors: tuple[Color, ...], spread: float = 0.03) -> Color:
    """One of the colors, a little changed."""
    chosen = colors[rng.integers(len(colors))]
    return tuple(float(np.clip(value + rng.uniform(-spread, spread), 0.02, 1)) for value in chosen)


def any_hue(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Color:
    return colorsys.hsv_to_rgb(float(rng.random()), float(rng.uniform(*saturation)), float(rng.uniform(*value)))
