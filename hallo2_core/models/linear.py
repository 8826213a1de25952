"""The product of linear layers; in float32 on a CPU by oneDNN.

Torch calls MKL for it, which on AMD's processors does not use AVX-512: half as fast there. In half precision torch
calls oneDNN itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# What torch.compile emits for a linear layer on the CPU. Builds of torch without oneDNN lack it.
ONEDNN_LINEAR = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As `torch.nn.functional.linear`.  x: (… d).  weight: (e d).  bias: (e).  Returns (… e)."""
    if not _suits_onednn(x, weight, bias):
        return F.linear(x, weight, bias)
    return ONEDNN_LINEAR(x, weight, bias, "none", [], "")


def _suits_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """It has no gradients, and takes plain tensors only. While torch compiles, it chooses the kernel itself:
    inductor accepts oneDNN's only for weights that are frozen into the graph."""
    tensors = [tensor for tensor in (x, weight, bias) if tensor is not None]
    return (
        ONEDNN_LINEAR is not None
        and not torch.compiler.is_compiling()
        and x.numel() > 0
        and all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)
        and not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors))
    )
