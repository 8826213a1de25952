"""Attention by plain products, for training on a CPU."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor

from ..models.attention_function import sdpa


def plain_attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """An `AttentionFunction`: on the CPU, plain products; elsewhere, the fused one.

    torch's fused attention has a slow backward pass on the CPU for a few tokens, as of audio, text and frames: measured
    on the small model's shapes, it takes 2 to 7 times as long.
    """
    if q.device.type != "cpu":
        return sdpa(q, k, v, heads)
    q, k, v = (rearrange(x, "b l (heads d) -> b heads l d", heads=heads) for x in (q, k, v))
    weights = ((q * q.shape[-1] ** -0.5) @ k.mT).softmax(dim=-1)
    return rearrange(weights @ v, "b heads l d -> b l (heads d)")
