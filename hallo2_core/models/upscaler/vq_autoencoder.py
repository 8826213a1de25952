"""Encoder and generator: pictures ↔ a grid of feature vectors. `blocks` is one flat list, numbered as in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..layers import Build
from ..resnet import Downsample, Upsample

NORM_EPS = 1e-6


def _activated(fresh: Tensor) -> Tensor:
    """SiLU of a tensor with no other reference: in place, unless gradients are needed. A picture's features are 64 MiB,
    and on the CPU allocating that takes as long as filling it."""
    return F.silu(fresh, inplace=not fresh.requires_grad)


class ResidualBlock(nn.Module):
    def __init__(self, in_width: int, out_width: int, norm_groups: int, build: Build) -> None:
        super().__init__()
        self.norm1 = build.group_norm(norm_groups, in_width, NORM_EPS)
        self.conv1 = build.conv2d(in_width, out_width, 3, padding=1)
        self.norm2 = build.group_norm(norm_groups, out_width, NORM_EPS)
        self.conv2 = build.conv2d(out_width, out_width, 3, padding=1)
        self.conv_out = build.conv2d(in_width, out_width, 1) if in_width != out_width else None

    def forward(self, x: Tensor) -> Tensor:
        """x: (b c h w). Returns the same with out_width channels."""
        change = self.conv1(_activated(self.norm1(x)))
        change = self.conv2(_activated(self.norm2(change)))
        return change.add_(x if self.conv_out is None else self.conv_out(x))


class AttentionBlock(nn.Module):
    """Single-head attention over all positions of a picture."""

    def __init__(self, width: int, norm_groups: int, build: Build) -> None:
        super().__init__()
        self.attention = build.attention
        self.norm = build.group_norm(norm_groups, width, NORM_EPS)
        self.q = build.conv2d(width, width, 1)
        self.k = build.conv2d(width, width, 1)
        self.v = build.conv2d(width, width, 1)
        self.proj_out = build.conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b c h w)."""
        own = self.norm(x)
        q, k, v = (rearrange(part(own), "b c h w -> b (h w) c") for part in (self.q, self.k, self.v))
        seen = self.attention(q, k, v, heads=1)
        return x + self.proj_out(rearrange(seen, "b (h w) c -> b c h w", h=x.shape[2]))


def _middle(width: int, norm_groups: int, build: Build) -> list[nn.Module]:
    return [
        ResidualBlock(width, width, norm_groups, build),
        AttentionBlock(width, norm_groups, build),
        ResidualBlock(width, width, norm_groups, build),
    ]


class Encoder(nn.Module):
    """Levels of residual blocks with downsampling between them; attention at the last level's side."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: tuple[int, ...],
        blocks_per_level: int,
        norm_groups: int,
        build: Build,
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = [build.conv2d(in_channels, widths[0], 3, padding=1)]
        self.level_ends: set[int] = set()  # the last block of each level but the smallest: blocks 2, 5, 8, 11, 14
        width = widths[0]
        for level, level_width in enumerate(widths):
            smallest = level == len(widths) - 1
            for _ in range(blocks_per_level):
                blocks.append(ResidualBlock(width, level_width, norm_groups, build))
                width = level_width
                if smallest:
                    blocks.append(AttentionBlock(width, norm_groups, build))
            if not smallest:
                self.level_ends.add(len(blocks) - 1)
                blocks.append(Downsample(width, build, pads_one_side=True))
        blocks += _middle(width, norm_groups, build)
        blocks += [build.group_norm(norm_groups, width, NORM_EPS), build.conv2d(width, out_channels, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, keep_sides: Collection[int] = ()) -> tuple[Tensor, dict[int, Tensor]]:
        """x: (b in_channels h w). Returns (b out_channels h/2ⁿ w/2ⁿ), and the features of each requested side."""
        # The layout of the codebook's output: convolutions keep it, and are 20 % faster in it on a CPU.
        x = x.contiguous(memory_format=torch.channels_last)
        kept = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.level_ends and x.shape[-1] in keep_sides:
                kept[x.shape[-1]] = x
        return x, kept


class Generator(nn.Module):
    """The encoder's mirror image."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: tuple[int, ...],
        blocks_per_level: int,
        norm_groups: int,
        build: Build,
    ) -> None:
        super().__init__()
        width = widths[-1]
        blocks: list[nn.Module] = [build.conv2d(in_channels, width, 3, padding=1), *_middle(width, norm_groups, build)]
        self.level_starts: set[int] = set()  # the first block of each level but the smallest: blocks 9, 12, 15, 18, 21
        for level, level_width in reversed(list(enumerate(widths))):
            smallest = level == len(widths) - 1
            if not smallest:
                self.level_starts.add(len(blocks))
            for _ in range(blocks_per_level):
                blocks.append(ResidualBlock(width, level_width, norm_groups, build))
                width = level_width
                if smallest:
                    blocks.append(AttentionBlock(width, norm_groups, build))
            if level > 0:
                blocks.append(Upsample(width, build))
        blocks += [build.group_norm(norm_groups, width, NORM_EPS), build.conv2d(width, out_channels, 3, padding=1)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, fuse: Mapping[int, Callable[[Tensor], Tensor]] | None = None) -> Tensor:
        """x: (b in_channels s s).  fuse: side → the fusion of that level. Returns (b out_channels h w)."""
        for index, block in enumerate(self.blocks):
            x = block(x)
            if fuse and index in self.level_starts and x.shape[-1] in fuse:
                x = fuse[x.shape[-1]](x)
        return x
