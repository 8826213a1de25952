"""A loss with equal weight for detail and color: differences at every octave of a Laplacian pyramid."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

LEVELS = 4


def laplacian_levels(pictures: Tensor, levels: int = LEVELS) -> list[Tensor]:
    """pictures: (b c h w), sides divisible by 2^levels.  Returns each octave's detail, the finest first, then
    the residual, 2^levels times smaller."""
    octaves = []
    for _ in range(levels):
        smaller = F.avg_pool2d(pictures, 2)
        octaves.append(pictures - F.interpolate(smaller, scale_factor=2.0, mode="bilinear", align_corners=False))
        pictures = smaller
    return [*octaves, pictures]


def pyramid_distance(pictures: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference, summed over the octaves. Linear, so one pyramid of the difference is enough."""
    return sum(octave.abs().mean() for octave in laplacian_levels(pictures - targets))
