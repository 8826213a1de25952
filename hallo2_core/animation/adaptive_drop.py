"""A drop rate that follows the drift of the motion frames from the portrait (paper §5.4, a limitation)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..payloads import Portrait
from .motion_settings import PatchDropConfig

# Differences in color (pixels in -1..1) or sharpness that count as a drift of 1, where all but the face is dropped.
COLOUR_APART = 0.2  # a tenth of the range
SHARPNESS_APART = 1.0  # doublings: twice or half as sharp
FLAT_STEP = 1 / 255  # half an 8-bit level, added to every step, so that flat images do not differ much in sharpness


def adapted_drop(config: PatchDropConfig, pixels: Tensor, portrait: Portrait) -> PatchDropConfig:
    """`config` with the rate for these motion frames: from its own rate, without drift, up to 1.

    pixels: (m 3 h w), -1..1, before noise and drop. A non-adaptive config is returned unchanged.
    """
    if not config.adaptive:
        return config
    drift = drift_from_portrait(pixels, portrait)
    return replace(config, rate=config.rate + (1.0 - config.rate) * min(drift, 1.0))


def drift_from_portrait(pixels: Tensor, portrait: Portrait) -> float:
    """0: same colors and sharpness as the portrait. pixels: (m 3 h w), -1..1; only the last, newest frame is used.

    Compares the channels' means and deviations, and the steps between neighboring pixels, outside the face, where
    little moves; or everywhere if the face fills the image. The larger of the two drifts counts.
    """
    outside = outside_face(portrait)
    colours, sharpness = _look(pixels[-1].cpu(), outside)
    wanted_colours, wanted_sharpness = _look(portrait.pixels.cpu(), outside)
    colour_drift = float((colours - wanted_colours).square().mean().sqrt()) / COLOUR_APART
    return max(colour_drift, abs(float(sharpness - wanted_sharpness)) / SHARPNESS_APART)


def outside_face(portrait: Portrait) -> Tensor:
    """(h w) bool; all True if the face fills the image."""
    outside = portrait.face_region[0].cpu() == 0
    return outside if outside.any() else torch.ones_like(outside)


def _look(pixels: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """pixels: (3 h w).  where: (h w).  Returns means and deviations of the channels (6), and log2 of the sharpness.

    In float64, so that the summation order of threads cannot move a pixel across the rate.
    """
    pixels = pixels.double()
    deviation, mean = torch.std_mean(pixels[:, where], dim=1, correction=0)
    across = pixels.diff(dim=2).abs()[:, where[:, 1:] & where[:, :-1]]
    down = pixels.diff(dim=1).abs()[:, where[1:] & where[:-1]]
    step = torch.cat([across, down], dim=1).mean()
    return torch.cat([mean, deviation]), (step + FLAT_STEP).log2()
