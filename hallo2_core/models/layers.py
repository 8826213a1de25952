"""The layers shared by all networks.

Notation used for tensor shapes: b batch, f frames, c channels, h w size, l tokens of a picture, n context tokens,
d width of tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .attention_function import AttentionFunction, sdpa
from .merged_keys import MergedKeys, is_cheaper_merged, merged_keys

FEED_FORWARD_TOKENS = 2**15  # at a time: enough to keep any device busy


@dataclass(frozen=True)
class Build:
    """Layer implementations, dtypes and device. Passed through constructors; there is no global state.

    operations: a namespace with Linear, Conv1d, Conv2d, GroupNorm, LayerNorm: `torch.nn`; `models.casting`, which casts
    weights on use; or the host's, which also moves them.
    dtype: of the weights. compute_dtype: of inputs, activations and outputs; None: that of the weights. Only casting
    operations can compute in a dtype other than that of the weights.
    """

    operations: Any = nn
    attention: AttentionFunction = sdpa
    dtype: torch.dtype | None = None
    device: torch.device | str | None = None
    compute_dtype: torch.dtype | None = None

    def __post_init__(self) -> None:
        if self._is_narrow and self.compute_dtype is None:
            raise ValueError(f"weights in {self.dtype} need a compute_dtype: no device computes in 8 bits")

    @property
    def wide(self) -> Build:
        """For layers where 8 bits cost too much accuracy: with weights in the dtype of the arithmetic.
        Measurements: `docs/precision.md`."""
        return replace(self, dtype=self.small_dtype)

    @property
    def small_dtype(self) -> torch.dtype | None:
        """Of biases, norms and tables, where 8 bits would save almost nothing and cost precision."""
        return self.compute_dtype if self._is_narrow else self.dtype

    @property
    def _is_narrow(self) -> bool:
        return self.dtype is not None and self.dtype.itemsize == 1

    def linear(self, in_width: int, out_width: int, bias: bool = True) -> nn.Module:
        layer = self.operations.Linear(in_width, out_width, bias=bias, dtype=self.dtype, device=self.device)
        return self._with_small_bias(layer)

    def conv2d(
        self,
        in_width: int,
        out_width: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> nn.Module:
        layer = self.operations.Conv2d(
            in_width,
            out_width,
            kernel,
            stride=stride,
            padding=padding,
            groups=groups,
            bias=bias,
            dtype=self.dtype,
            device=self.device,
        )
        return self._with_small_bias(layer)

    def group_norm(self, groups: int, width: int, eps: float) -> nn.Module:
        return self.operations.GroupNorm(groups, width, eps=eps, dtype=self.small_dtype, device=self.device)

    def layer_norm(self, width: int, eps: float = 1e-5) -> nn.Module:
        return self.operations.LayerNorm(width, eps=eps, dtype=self.small_dtype, device=self.device)

    def _with_small_bias(self, layer: nn.Module) -> nn.Module:
        """Linear layers and convolutions create weight and bias in one dtype; if ours differ, the bias is replaced."""
        if layer.bias is not None and layer.bias.dtype != (self.small_dtype or layer.bias.dtype):
            layer.bias = nn.Parameter(torch.empty_like(layer.bias, dtype=self.small_dtype))
        return layer


class Network(nn.Module):
    """A network that is loaded as a whole. It stores its compute dtype, which may differ from that of its weights."""

    def __init__(self, build: Build) -> None:
        super().__init__()
        self.compute_dtype = build.compute_dtype
        self.arithmetic = getattr(build.operations, "arithmetic", "")


def compute_dtype_of(network: nn.Module) -> torch.dtype:
    """The dtype for a network's inputs: the compute dtype it was built with, else that of its first weight."""
    return getattr(network, "compute_dtype", None) or next(network.parameters()).dtype


def storage_dtype_of(network: nn.Module) -> torch.dtype:
    """The dtype in which most of a network's weights are stored."""
    sizes: Counter[torch.dtype] = Counter()
    for parameter in network.parameters():
        sizes[parameter.dtype] += parameter.numel()
    return sizes.most_common(1)[0][0]


def precision_of(network: nn.Module) -> str:
    """A network's dtypes, for messages and job keys: "float16", or "float8_e4m3fn weights, float16 arithmetic"; and the
    name of its operations if they round differently from torch's."""
    dtypes = precision_name(storage_dtype_of(network), compute_dtype_of(network))
    arithmetic = getattr(network, "arithmetic", "")
    return f"{dtypes} ({arithmetic})" if arithmetic else dtypes


def precision_name(storage: torch.dtype, compute: torch.dtype) -> str:
    stored, computed = (str(dtype).removeprefix("torch.") for dtype in (storage, compute))
    return computed if stored == computed else f"{stored} weights, {computed} arithmetic"


def attention_of(network: nn.Module) -> str:
    """The name of a network's attention function, for job keys."""
    functions = (module.attention for module in network.modules() if callable(getattr(module, "attention", None)))
    function = next(functions, None)
    return "none" if function is None else getattr(function, "__qualname__", repr(function))


@dataclass(frozen=True)
class KeyValues:
    """Keys and values of an attention layer, projected once and reused while the context is constant."""

    k: Tensor  # (b m d)
    v: Tensor  # (b m d)

    def last(self) -> KeyValues:
        """Those of the last row."""
        return KeyValues(self.k[-1:], self.v[-1:])


def as_tokens(picture: Tensor) -> Tensor:
    """(b c h w) to (b (h w) c). A copy: of a transposed view each norm would make its own, and sums would be slow."""
    return rearrange(picture, "b c h w -> b (h w) c").contiguous()


def as_picture(tokens: Tensor, height: int) -> Tensor:
    """(b (h w) c) to (b c h w), copied into the layout of the convolutions around it."""
    return rearrange(tokens, "b (h w) c -> b c h w", h=height).contiguous()


class Attention(nn.Module):
    """Multi-head attention on precomputed `KeyValues` or `MergedKeys`, so that a constant context is projected once."""

    def __init__(self, width: int, context_width: int, heads: int, build: Build, bias: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.attention = build.attention
        self.to_q = build.linear(width, width, bias=bias)
        self.to_k = build.linear(context_width, width, bias=bias)
        self.to_v = build.linear(context_width, width, bias=bias)
        self.to_out = nn.ModuleList([build.linear(width, width)])

    def keys_values(self, context: Tensor) -> KeyValues:
        """context: (b m context_width)."""
        return KeyValues(self.to_k(context), self.to_v(context))

    def constant_keys_values(self, context: Tensor) -> KeyValues | MergedKeys:
        """The same for a context that many calls attend to: merged with the other projections if that is cheaper."""
        keys = self.keys_values(context)
        if not is_cheaper_merged(keys.k.shape[-1], self.heads, keys.k.shape[1]):
            return keys
        return merged_keys(keys.k, keys.v, self.to_q, self.to_out[0], self.heads)

    def forward(self, x: Tensor, context: KeyValues | MergedKeys) -> Tensor:
        """x: (b l d)."""
        if isinstance(context, MergedKeys):
            return context.attended(x)
        return self.to_out[0](self.attention(self.to_q(x), context.k, context.v, self.heads))


class FeedForward(nn.Module):
    """GEGLU: the first half of the projection times the exact GELU of the second.

    In pieces: its hidden layer, eight times as wide as its input, would be the largest tensor of a step.
    """

    def __init__(self, width: int, build: Build) -> None:
        super().__init__()
        inner = 4 * width
        self.net = nn.ModuleList([GatedProjection(width, inner, build), nn.Identity(), build.linear(inner, width)])

    def forward(self, x: Tensor) -> Tensor:
        """x: (b l d)."""
        done = [self.net[2](self.net[0](piece)) for piece in x.split(max(1, FEED_FORWARD_TOKENS // x.shape[1]))]
        return torch.cat(done) if len(done) > 1 else done[0]


class GatedProjection(nn.Module):
    def __init__(self, in_width: int, out_width: int, build: Build) -> None:
        super().__init__()
        self.proj = build.linear(in_width, 2 * out_width)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


class TimeEmbedding(nn.Module):
    """A diffusion timestep as a vector: sinusoids, cosine first, through two linear layers."""

    def __init__(self, width: int, build: Build) -> None:
        super().__init__()
        self.width = width
        self.linear_1 = build.linear(width, 4 * width)
        self.linear_2 = build.linear(4 * width, 4 * width)

    def forward(self, timestep: int | Tensor, like: Tensor) -> Tensor:
        """timestep: one number, or (b).  Returns (1 t) or (b t), in the dtype and on the device of `like`."""
        half = self.width // 2
        frequency = torch.exp(torch.arange(half, dtype=torch.float32, device=like.device) * (-math.log(10000.0) / half))
        if isinstance(timestep, Tensor):
            steps = timestep.to(like.device, torch.float32).reshape(-1, 1)
        else:
            steps = torch.full((1, 1), float(timestep), device=like.device)  # a copy would make the host wait
        angle = steps * frequency
        waves = torch.cat([angle.cos(), angle.sin()], dim=-1)
        return self.linear_2(F.silu(self.linear_1(waves.to(like.dtype))))
