"""Nearest codes, and gradients past them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ...models.upscaler.codebook import Codebook

COMMITMENT = 0.25  # weight of the encoder's part, as van den Oord et al. (2017)


@dataclass(frozen=True)
class Quantized:
    vectors: Tensor  # (b c s s): of the nearest codes; gradients pass to the features
    codes: Tensor  # (b l)
    distance: Tensor  # moves the codes to the features, and the features to their codes


def nearest_codes(features: Tensor, codebook: Codebook) -> Tensor:
    """features: (b c s s), in float32.  Returns (b l) indices, row by row."""
    table = codebook.embedding(features).detach()
    own = rearrange(features.detach(), "b c h w -> b (h w) c")
    # The features' own squares do not change which code is nearest. In bf16, one code in ten would not be the nearest.
    with torch.autocast(own.device.type, enabled=False):
        return (table.square().sum(dim=1) - 2.0 * own @ table.mT).argmin(dim=-1)


def quantized(features: Tensor, codebook: Codebook) -> Quantized:
    """features: (b c s s), in float32."""
    codes = nearest_codes(features, codebook)
    vectors = codebook(codes, features)
    distance = F.mse_loss(vectors, features.detach()) + COMMITMENT * F.mse_loss(features, vectors.detach())
    return Quantized(features + (vectors - features).detach(), codes, distance)


def perplexity(codes: Tensor, of: int) -> Tensor:
    """How many of the `of` codes are in use, weighted: all equally often gives `of`."""
    share = torch.bincount(codes.flatten(), minlength=of) / codes.numel()
    return torch.special.entr(share).sum().exp()


@torch.no_grad()
def fitted_codes(features: Tensor, count: int, draws: torch.Generator, rounds: int = 10) -> Tensor:
    """features: (n c).  Returns (count c): their clusters' centers by Lloyd's algorithm. A center without features
    moves to one of them, drawn at random.

    A codebook that learns beside its encoder leaves most codes unused; they lie too far away to be nearest, and stay.
    """
    centers = features[torch.randperm(len(features), generator=draws)[:count].to(features.device)]
    for _ in range(rounds):
        nearest = (centers.square().sum(dim=1) - 2.0 * features @ centers.mT).argmin(dim=1)
        sizes = torch.bincount(nearest, minlength=count)
        sums = torch.zeros_like(centers).index_add_(0, nearest, features)
        others = features[torch.randint(len(features), (count,), generator=draws).to(features.device)]
        centers = torch.where((sizes > 0).unsqueeze(1), sums / sizes.clamp_min(1).unsqueeze(1), others)
    return centers
