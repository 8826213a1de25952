"""The layers everything here is built of, and the one function all attention goes through.

Notation used for tensor shapes: b batch, f frames, c channels, h w size, l tokens of a picture, n context tokens,
d width of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class AttentionFunction(Protocol):
    def __call__(self, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        """q: (b l d).  k, v: (b m d).  Returns (b l d); d is heads × head width, logits are scaled by head width^-½."""


def sdpa(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Torch's fused attention, the default `AttentionFunction`."""
    q, k, v = (rearrange(x, "b l (heads d) -> b heads l d", heads=heads) for x in (q, k, v))
    return rearrange(F.scaled_dot_product_attention(q, k, v), "b heads l d -> b l (heads d)")


@dataclass(frozen=True)
class Build:
    """Whose layers to use, in what dtype and where. Handed through constructors; there is no global state.

    operations: a namespace with Linear, Conv1d, Conv2d, GroupNorm, LayerNorm: `torch.nn`, or the host's, which can
    cast and move weights while they are used.
    """

    operations: Any = nn
    attention: AttentionFunction = sdpa
    dtype: torch.dtype | None = None
    device: torch.device | str | None = None

    def linear(self, in_width: int, out_width: int, bias: bool = True) -> nn.Module:
        return self.operations.Linear(in_width, out_width, bias=bias, dtype=self.dtype, device=self.device)

    def conv2d(
        self, in_width: int, out_width: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1,
        bias: bool = True,
    ) -> nn.Module:
        return self.operations.Conv2d(
            in_width, out_width, kernel, stride=stride, padding=padding, groups=groups, bias=bias,
            dtype=self.dtype, device=self.device,
        )

    def group_norm(self, groups: int, width: int, eps: float) -> nn.Module:
        return self.operations.GroupNorm(groups, width, eps=eps, dtype=self.dtype, device=self.device)

    def layer_norm(self, width: int, eps: float = 1e-5) -> nn.Module:
        return self.operations.LayerNorm(width, eps=eps, dtype=self.dtype, device=self.device)
