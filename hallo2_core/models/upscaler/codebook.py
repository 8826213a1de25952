"""Code indices ↔ vectors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..layers import Build


class VectorTable(nn.Module):
    """Learned vectors, one per row. A leaf module, so that a host can move it; cast on use."""

    def __init__(self, rows: int, width: int, build: Build) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width, dtype=build.small_dtype, device=build.device))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight)

    def forward(self, like: Tensor) -> Tensor:
        """The whole table, in the dtype and on the device of `like`. Returns (rows width)."""
        return self.weight.to(like)


class Codebook(nn.Module):
    """The generator's vocabulary: each vector encodes a piece of a sharp face."""

    def __init__(self, codes: int, width: int, build: Build) -> None:
        super().__init__()
        self.embedding = VectorTable(codes, width, build)

    def forward(self, codes: Tensor, like: Tensor) -> Tensor:
        """codes: (b l) indices of a square picture, row by row. Returns (b c s s) with s² = l, as `like` in dtype."""
        side = int(codes.shape[-1] ** 0.5)
        return rearrange(F.embedding(codes, self.embedding(like)), "b (h w) c -> b c h w", h=side)


def adopt_statistics(x: Tensor, style: Tensor) -> Tensor:
    """AdaIN: give each channel of x the mean and standard deviation of `style`. Both (b c h w), per picture.

    As in the original: the unbiased variance plus 1e-5 (quirk 24).
    """

    def mean_and_std(picture: Tensor) -> tuple[Tensor, Tensor]:
        variance, mean = torch.var_mean(picture, dim=(2, 3), correction=1, keepdim=True)
        return mean, (variance + 1e-5).sqrt()

    mean, std = mean_and_std(x)
    style_mean, style_std = mean_and_std(style)
    return (x - mean) / std * style_std + style_mean
