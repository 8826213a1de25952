"""Layers that cast their weights to the dtype of their input on use, one layer at a time.

A namespace for `Build.operations` without a host: weights can be stored in fewer bits than the arithmetic uses.
`test_casting.py` compares each layer with torch's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .group_norm import group_norm
from .linear import linear


def _cast(layer: nn.Module, like: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weight and bias in the dtype of `like`; not copied if they already have it."""
    return layer.weight.to(like.dtype), None if layer.bias is None else layer.bias.to(like.dtype)


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return linear(x, *_cast(self, x))


class Conv1d(nn.Conv1d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, *_cast(self, x))


class Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, *_cast(self, x))


class GroupNorm(nn.GroupNorm):
    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and self.weight.requires_grad and not x.requires_grad:
            # On the CPU, torch 2.13 crashes in the gradients of a channels-last group norm that leave out its input's.
            # A clone, because contiguous() returns pictures of one position as they are.
            x = x.clone(memory_format=torch.contiguous_format)
        return group_norm(x, self.num_groups, *_cast(self, x), self.eps)


class LayerNorm(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, *_cast(self, x), self.eps)
