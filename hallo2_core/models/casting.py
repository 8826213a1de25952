"""Layers whose weights are cast to the dtype of their input while they are used, one layer at a time.

A namespace for `Build.operations` where no host brings its own: it lets weights be stored in fewer bits than the
arithmetic has. `test_casting.py` holds each layer to torch's own.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def _cast(layer: nn.Module, like: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weight and bias, in the dtype of `like`; the layer's own where that is theirs."""
    return layer.weight.to(like.dtype), None if layer.bias is None else layer.bias.to(like.dtype)


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, *_cast(self, x))


class Conv1d(nn.Conv1d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, *_cast(self, x))


class Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, *_cast(self, x))


class GroupNorm(nn.GroupNorm):
    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, *_cast(self, x), self.eps)


class LayerNorm(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, *_cast(self, x), self.eps)
