"""The convolutional blocks that UNets, VAE and upscaler share."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .layers import Build


class ResnetBlock(nn.Module):
    """Two convolutions around the time embedding (absent in the VAE), and the input added."""

    def __init__(
        self,
        in_width: int,
        out_width: int,
        norm_groups: int,
        build: Build,
        time_width: int | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.norm1 = build.group_norm(norm_groups, in_width, eps)
        self.conv1 = build.conv2d(in_width, out_width, 3, padding=1)
        if time_width is not None:
            self.time_emb_proj = build.linear(time_width, out_width)
        self.norm2 = build.group_norm(norm_groups, out_width, eps)
        self.conv2 = build.conv2d(out_width, out_width, 3, padding=1)
        self.conv_shortcut = build.conv2d(in_width, out_width, 1) if in_width != out_width else None

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """x: (b c h w).  time: (b t), or (1 t) for every row the same."""
        hidden = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            hidden = hidden + rearrange(self.time_emb_proj(F.silu(time)), "b c -> b c 1 1")
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return hidden + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Upsample(nn.Module):
    """Nearest-neighbor upsampling by two, then a convolution."""

    def __init__(self, width: int, build: Build) -> None:
        super().__init__()
        self.conv = build.conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Downsample(nn.Module):
    """A convolution of stride two. The VAE's pads right and bottom only; the UNets' pads all around."""

    def __init__(self, width: int, build: Build, pads_one_side: bool = False) -> None:
        super().__init__()
        self.pads_one_side = pads_one_side
        self.conv = build.conv2d(width, width, 3, stride=2, padding=0 if pads_one_side else 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.pads_one_side else x)
