"""Matches the motion frames' colors to the portrait's, so that color drift does not accumulate."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..payloads import Portrait
from .adaptive_drop import outside_face

MOST_CONTRAST = 2.0  # contrast is at most doubled or halved, so that the noise of a flat frame is not amplified
FLATTEST = 1 / 255  # half an 8-bit level


def match_colours(pixels: Tensor, portrait: Portrait) -> Tensor:
    """pixels: (m 3 h w), -1..1.  Returns the same with the portrait's mean and deviation in each channel.

    Both are measured outside the face, where little moves, and applied to the whole frame. The video's own frames are
    unchanged: only the next clip's motion frames are corrected, so nothing jumps.
    """
    outside = outside_face(portrait)
    deviation, mean = _colours(pixels.cpu(), outside)
    wanted_deviation, wanted_mean = _colours(portrait.pixels.unsqueeze(0).cpu(), outside)
    contrast = (wanted_deviation / deviation).clamp(1 / MOST_CONTRAST, MOST_CONTRAST)
    shift = wanted_mean - contrast * mean
    return (contrast.to(pixels) * pixels + shift.to(pixels)).clamp(-1.0, 1.0)


def _colours(pixels: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Deviations and means, each (m 3 1 1), in float64 as in `adaptive_drop`."""
    deviation, mean = torch.std_mean(pixels.double()[:, :, where], dim=2, correction=0)
    deviation, mean = (rearrange(values, "m c -> m c 1 1") for values in (deviation.clamp(min=FLATTEST), mean))
    return deviation, mean
