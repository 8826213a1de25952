"""InceptionV3 as FID uses it: TensorFlow's network of 2015 with 1008 classes, up to its pooled features.

Keys as in torch-fidelity's `weights-inception-2015-12-05-6726825d.pth` and pytorch-fid's `pt_inception-…`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from .loading import loaded

SIDE_PX = 299
WIDTH = 2048
FILE = "the Inception network of FID (weights-inception-2015-12-05-6726825d.pth)"
Kernel = int | tuple[int, int]
Chain = Sequence[tuple[str, int, Kernel]]  # convolutions one after another: name, width, kernel


class ConvNorm(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1, pads: bool = True) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (height // 2, width // 2) if pads else 0
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Chains of convolutions side by side, and a pooled branch. pooled: width of its convolution."""

    def __init__(self, inputs: int, chains: Sequence[Chain], pooled: int) -> None:
        super().__init__()
        self._chains = [_add_chain(self, inputs, chain) for chain in chains]
        self.branch_pool = ConvNorm(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(_run(self, chain, x) for chain in self._chains), self.branch_pool(_mean_pool(x))], dim=1)


class MixedDown(nn.Module):
    """The same with half the resolution; its last convolutions have stride 2, and nothing follows the pooling."""

    def __init__(self, inputs: int, chains: Sequence[Chain]) -> None:
        super().__init__()
        self._chains = [_add_chain(self, inputs, chain, last_stride=2) for chain in chains]

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(_run(self, chain, x) for chain in self._chains), F.max_pool2d(x, 3, 2)], dim=1)


class MixedWide(nn.Module):
    """At the lowest resolution: 3×3 convolutions are split into a row and a column beside each other."""

    def __init__(self, inputs: int, max_pooled: bool) -> None:
        super().__init__()
        self._max_pooled = max_pooled
        self.branch1x1 = ConvNorm(inputs, 320, 1)
        self.branch3x3_1 = ConvNorm(inputs, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = ConvNorm(384, 384, (1, 3)), ConvNorm(384, 384, (3, 1))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = ConvNorm(inputs, 448, 1), ConvNorm(448, 384, 3)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = ConvNorm(384, 384, (1, 3)), ConvNorm(384, 384, (3, 1))
        self.branch_pool = ConvNorm(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, 1, 1) if self._max_pooled else _mean_pool(x)
        parts = [
            self.branch1x1(x),
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(pooled),
        ]
        return torch.cat(parts, dim=1)


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, stride=2, pads=False)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3, pads=False)
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3, pads=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _fine(192, 32), _fine(256, 64), _fine(288, 64)
        self.Mixed_6a = MixedDown(288, [[("branch3x3", 384, 3)], _double(64)])
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (_middle(width) for width in (128, 160, 160, 192))
        self.Mixed_7a = MixedDown(
            768,
            [
                [("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)],
                [
                    ("branch7x7x3_1", 192, 1),
                    ("branch7x7x3_2", 192, (1, 7)),
                    ("branch7x7x3_3", 192, (7, 1)),
                    ("branch7x7x3_4", 192, 3),
                ],
            ],
        )
        self.Mixed_7b, self.Mixed_7c = MixedWide(1280, max_pooled=False), MixedWide(2048, max_pooled=True)

    def forward(self, frames: Tensor) -> Tensor:
        """frames: (b h w 3) uint8, of any size.  Returns (b 2048)."""
        pixels = rearrange(frames.float(), "b h w c -> b c h w")
        x = (tensorflow_resize(pixels, SIDE_PX) - 128.0) / 128.0
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return reduce(x, "b c h w -> b c", "mean")


def load_inception(path: Path) -> Inception:
    """Errors: CheckpointError."""
    return loaded(Inception, path, FILE, unused=("fc.",))


def tensorflow_resize(pixels: Tensor, side_px: int) -> Tensor:
    """Bilinear as in TensorFlow 1: position i of the result lies at i × (old size / new size). (b c h w)."""
    for axis in (2, 3):
        size = pixels.shape[axis]
        places = torch.arange(side_px, device=pixels.device, dtype=torch.float32) * (size / side_px)
        low = places.long().clamp_max(size - 1)
        share = (places - low).reshape([-1, 1] if axis == 2 else [-1])
        lower, upper = pixels.index_select(axis, low), pixels.index_select(axis, (low + 1).clamp_max(size - 1))
        pixels = lower + (upper - lower) * share
    return pixels


def _fine(inputs: int, pooled: int) -> Mixed:
    return Mixed(
        inputs,
        [[("branch1x1", 64, 1)], [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)], _double(64)],
        pooled,
    )


def _double(first: int) -> Chain:
    return [("branch3x3dbl_1", first, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]


def _middle(width: int) -> Mixed:
    row, column = (1, 7), (7, 1)
    return Mixed(
        768,
        [
            [("branch1x1", 192, 1)],
            [("branch7x7_1", width, 1), ("branch7x7_2", width, row), ("branch7x7_3", 192, column)],
            [
                ("branch7x7dbl_1", width, 1),
                ("branch7x7dbl_2", width, column),
                ("branch7x7dbl_3", width, row),
                ("branch7x7dbl_4", width, column),
                ("branch7x7dbl_5", 192, row),
            ],
        ],
        192,
    )


def _add_chain(block: nn.Module, inputs: int, chain: Chain, last_stride: int = 1) -> list[str]:
    """Returns the names, in order."""
    for number, (name, width, kernel) in enumerate(chain):
        goes_down = last_stride > 1 and number == len(chain) - 1
        conv = ConvNorm(inputs, width, kernel, stride=last_stride if goes_down else 1, pads=not goes_down)
        block.add_module(name, conv)
        inputs = width
    return [name for name, _, _ in chain]


def _run(block: nn.Module, chain: Sequence[str], x: Tensor) -> Tensor:
    for name in chain:
        x = block.get_submodule(name)(x)
    return x


def _mean_pool(x: Tensor) -> Tensor:
    """As TensorFlow: the padding is not part of the mean."""
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
