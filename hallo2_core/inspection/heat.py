"""Numbers as colors: dark violet for little, through red, to pale yellow for much, equal steps looking equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from einops import einsum
from numpy.typing import NDArray

# The path through OKLCh, a space in which distances are as the eye sees them: lightness, chroma, hue in degrees.
LIGHTNESS, MOST_CHROMA, HUE_DEGREES = (0.22, 0.95), 0.17, (295.0, 465.0)
# OKLab → cube roots of cone responses → linear sRGB.
CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
LINEAR_SRGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

Array = NDArray[np.float64]


def heat_colours(values: Array) -> Array:
    """values: any shape, 0..1.  Returns the shape with 3 more, sRGB in 0..1. Lightness grows evenly with the value, so
    the colors also read in gray."""
    return _TABLE[np.rint(np.clip(values, 0.0, 1.0) * (len(_TABLE) - 1)).astype(np.intp)]


def _computed(values: Array) -> Array:
    lightness = np.interp(values, (0.0, 1.0), LIGHTNESS)
    hue = np.radians(np.interp(values, (0.0, 1.0), HUE_DEGREES))
    chroma = MOST_CHROMA * np.sin(np.pi * (0.12 + 0.74 * values))  # screens show less of it near black and white
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    linear = einsum(LINEAR_SRGB, einsum(CONES, lab, "c l, ... l -> ... c") ** 3, "rgb c, ... c -> ... rgb")
    return _encoded(np.clip(linear, 0.0, 1.0))


def _encoded(linear: Array) -> Array:
    """sRGB's transfer curve."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_TABLE = _computed(np.linspace(0.0, 1.0, 1024))


@dataclass(frozen=True)
class HeatScale:
    """Which value is darkest and which is brightest; beyond them the color stays."""

    least: float
    most: float

    @classmethod
    def of(cls, values: Array, outliers: float = 0.01) -> HeatScale:
        """From the values themselves, but for a part of them at either end."""
        least, most = (float(value) for value in np.quantile(values, (outliers, 1.0 - outliers)))
        return cls(least, most if most - least > 1e-6 else least + 1e-6)

    def colours(self, values: Array) -> Array:
        """Any shape → the shape with 3 more, sRGB in 0..1."""
        return heat_colours((values - self.least) / (self.most - self.least))
