"""The function that computes all attention: torch's, or another one of the same kind."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

# Attention kernels map the batch to a dimension of the CUDA grid, limited to 65,535. The motion module has one row per
# latent position, twice with guidance: more than that above about 1448x1448. ComfyUI splits at the same size.
LARGEST_BATCH = 2**15


class AttentionFunction(Protocol):
    def __call__(self, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        """q: (b l d).  k, v: (b m d).  Returns (b l d); d is heads × head width, logits are scaled by head width^-½."""


def sdpa(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Torch's fused attention, the default `AttentionFunction`."""
    return in_batches(_fused, q, k, v, heads)


def in_batches(attention: AttentionFunction, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """`attention` on at most LARGEST_BATCH rows per call. Rows are independent, so the result is the same."""
    if q.shape[0] <= LARGEST_BATCH:
        return attention(q, k, v, heads)
    out = torch.empty_like(q)
    for start in range(0, q.shape[0], LARGEST_BATCH):
        rows = slice(start, start + LARGEST_BATCH)
        out[rows] = attention(q[rows], k[rows], v[rows], heads)
    return out


def _fused(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    q, k, v = (rearrange(x, "b l (heads d) -> b heads l d", heads=heads) for x in (q, k, v))
    return rearrange(F.scaled_dot_product_attention(q, k, v), "b heads l d -> b l (heads d)")
