"""Attention to few constant tokens, with the projections of the queries and of the result multiplied into the tokens.

A head's logits are (x Wq) · k = x · (Wq k), and its result is Σ p (v Wo), so with n tokens and h heads a layer needs
n·h vectors of the layer's width on each side instead of two projections. Equal up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import einsum, rearrange
from torch import Tensor, nn

IDENTITY_SCALE = 256.0  # a power of two, exact in every dtype


@dataclass(frozen=True)
class MergedKeys:
    """Keys and values in the width of the layer, for `heads` heads of n tokens each, head by head."""

    k: Tensor  # (b (heads n) d)
    v: Tensor  # (b (heads n) d)
    bias: Tensor  # (d), of the output projection
    heads: int

    def attended(self, x: Tensor) -> Tensor:
        """x: (b l d)."""
        logits = rearrange(x @ self.k.mT, "b l (heads n) -> b l heads n", heads=self.heads)
        return rearrange(logits.softmax(dim=-1), "b l heads n -> b l (heads n)") @ self.v + self.bias

    def last(self) -> MergedKeys:
        """Those of the last row."""
        return MergedKeys(self.k[-1:], self.v[-1:], self.bias, self.heads)


def is_cheaper_merged(width: int, heads: int, tokens: int) -> bool:
    """Whether merging saves more than the logits, which are in memory then, cost: with half as many vectors as the
    width."""
    return 2 * heads * tokens <= width


def merged_keys(k: Tensor, v: Tensor, to_q: nn.Module, to_out: nn.Module, heads: int) -> MergedKeys:
    """k, v: (b n d), projected.  to_q: without a bias.

    Keys are centered, because logits are rounded to the dtype of the arithmetic, and softmax does not depend on what
    all logits of a head have in common.
    """
    queries, _ = matrix_and_bias(to_q, k.shape[-1], like=k)
    out, bias = matrix_and_bias(to_out, v.shape[-1], like=v)
    k, v = (rearrange(x, "b n (heads e) -> b heads n e", heads=heads) for x in (k, v))
    k = (k - k.mean(dim=2, keepdim=True)) * k.shape[-1] ** -0.5
    k = einsum(k, rearrange(queries, "d (heads e) -> heads e d", heads=heads), "b heads n e, heads e d -> b heads n d")
    v = einsum(v, rearrange(out, "(heads e) d -> heads e d", heads=heads), "b heads n e, heads e d -> b heads n d")
    k, v = (rearrange(x, "b heads n d -> b (heads n) d") for x in (k, v))
    return MergedKeys(k, v, bias, heads)


def matrix_and_bias(layer: nn.Module, in_width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """What a linear layer or a 1×1 convolution does, as (in_width d) and (d), in the dtype and on the device of `like`.

    The layer is called, so that its operations cast, move and patch its weights as for every other input. The identity
    is scaled up because the bias is added before rounding.
    """
    probe = torch.cat(
        [IDENTITY_SCALE * torch.eye(in_width, dtype=like.dtype, device=like.device), like.new_zeros(1, in_width)]
    )
    if layer.weight.ndim == 4:  # an adapter around a convolution is no nn.Conv2d
        rows = rearrange(layer(rearrange(probe, "i d -> i d 1 1")), "i d 1 1 -> i d")
    else:
        rows = layer(probe)
    return (rows[:-1] - rows[-1]) / IDENTITY_SCALE, rows[-1]
