"""What the upscaler gets to see: a small video's frame, blurred and unsteady as a denoiser's, and enlarged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

BLUR_REACH_PX = 3
SHADE_SIDE = 16  # of the grid of smooth color errors: a small video's latents


@dataclass(frozen=True)
class DegradationSettings:
    """Largest amounts; each sample has its own, and each frame its own noise."""

    blur_px: float = 0.7  # deviation of a Gaussian, in the small picture's pixels
    noise: float = 0.015  # deviation, of colors in 0..1
    shade: float = 0.02  # deviation of smooth errors of the colors
    clean_ratio: float = 0.4  # of the samples that are drawings made smaller: no VAE, and none of the above


def degraded(seen: Tensor, settings: DegradationSettings, draws: torch.Generator) -> Tensor:
    """seen: (f 3 s s) uint8, the small frames.  Returns the same shape, 0..1, not clamped."""
    pictures = seen.float() / 255.0
    blur, noise, shade = torch.rand(3, generator=draws).tolist()
    pictures = blurred(pictures, settings.blur_px * blur)
    pictures = pictures + settings.noise * noise * torch.randn(pictures.shape, generator=draws)
    errors = torch.randn(len(pictures), 3, SHADE_SIDE, SHADE_SIDE, generator=draws)
    smooth = F.interpolate(errors, size=pictures.shape[-2:], mode="bilinear", align_corners=False)
    return pictures + settings.shade * shade * smooth


def shrunk(frames: Tensor, small_px: int) -> Tensor:
    """frames: (f 3 h w) uint8, true drawings.  Returns (f 3 s s), 0..1."""
    return F.interpolate(frames.float() / 255.0, size=(small_px, small_px), mode="area")


def enlarged(pictures: Tensor, side_px: int) -> Tensor:
    """pictures: (f 3 s s), 0..1.  Returns them at that side, -1..1: bicubic, as faces are cut out of a video."""
    large = F.interpolate(pictures, size=(side_px, side_px), mode="bicubic", align_corners=False)
    return large.clamp(0.0, 1.0) * 2.0 - 1.0


@lru_cache(maxsize=16)
def enlargement(small_px: int, side_px: int, device: torch.device) -> Tensor:
    """(side small): the weights of the same enlargement along one axis, so that any part of it can be computed."""
    each = torch.eye(small_px).reshape(1, 1, small_px, small_px)
    return F.interpolate(each, size=(side_px, small_px), mode="bicubic", align_corners=False)[0, 0].to(device)


def blurred(pictures: Tensor, deviation_px: float) -> Tensor:
    """pictures: (f c h w).  A Gaussian; edges are replicated."""
    places = torch.arange(-BLUR_REACH_PX, BLUR_REACH_PX + 1)
    weights = torch.exp(-0.5 * (places / max(deviation_px, 0.05)) ** 2)
    weights = (weights / weights.sum()).repeat(pictures.shape[1], 1, 1, 1)
    padded = F.pad(pictures, (BLUR_REACH_PX,) * 4, mode="replicate")
    across = F.conv2d(padded, weights, groups=pictures.shape[1])
    return F.conv2d(across, weights.mT, groups=pictures.shape[1])
