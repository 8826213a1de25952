"""Temporal alignment: attention over the tokens of each frame, then over time at each position (paper §4.2)."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..layers import Build


class PositionedAttention(nn.Module):
    """Multi-head self-attention with positions added to queries and keys, but not to values."""

    def __init__(self, width: int, heads: int, build: Build) -> None:
        super().__init__()
        self.heads = heads
        self.attention = build.attention
        self.to_qk = build.linear(width, 2 * width)
        self.to_v = build.linear(width, width)
        self.to_out = build.linear(width, width)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """x: (b l d).  position: broadcastable to x."""
        q, k = self.to_qk(x + position).chunk(2, dim=-1)
        return self.to_out(self.attention(q, k, self.to_v(x), heads=self.heads))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden_width: int, build: Build) -> None:
        super().__init__()
        self.linear1 = build.linear(width, hidden_width)
        self.linear2 = build.linear(hidden_width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(F.gelu(self.linear1(x)))


class TemporalAlignment(nn.Module):
    """One layer: spatial attention, feed-forward, temporal attention, feed-forward, each pre-norm and residual."""

    def __init__(self, width: int, feed_forward_width: int, heads: int, build: Build) -> None:
        super().__init__()
        self.spatial_norm = build.layer_norm(width)
        self.spatial_attn = PositionedAttention(width, heads, build)
        self.spatial_ff_norm = build.layer_norm(width)
        self.spatial_ff = FeedForward(width, feed_forward_width, build)
        self.temporal_norm = build.layer_norm(width)
        self.temporal_attn = PositionedAttention(width, heads, build)
        self.temporal_ff_norm = build.layer_norm(width)
        self.temporal_ff = FeedForward(width, feed_forward_width, build)

    def forward(self, x: Tensor, position: Tensor, frames: int) -> Tensor:
        """x: (b f) l d.  position: (l d).  frames: f.

        As in the original: temporal attention also uses the spatial position vectors, the same for every frame
        (quirk 24). So it is invariant to the order of the frames.
        """
        x = x + self.spatial_attn(self.spatial_norm(x), position)
        x = x + self.spatial_ff(self.spatial_ff_norm(x))
        own = rearrange(self.temporal_norm(x), "(b f) l d -> b l f d", f=frames)
        x = x + self._over_time(own, position)
        return x + self.temporal_ff(self.temporal_ff_norm(x))

    def _over_time(self, own: Tensor, position: Tensor) -> Tensor:
        """own: (b l f d). Returns (b f) l d."""
        batch = own.shape[0]
        own = rearrange(own, "b l f d -> (b l) f d")
        places = rearrange(position, "l d -> l 1 d").repeat(batch, 1, 1)
        return rearrange(self.temporal_attn(own, places), "(b l) f d -> (b f) l d", b=batch)
