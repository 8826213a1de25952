"""I3D as FVD uses it (Carreira and Zisserman 2017): the logits of 400 classes of actions, per clip of frames.

Keys as in `rgb_imagenet.pt` of pytorch-i3d.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from .loading import loaded

SIDE_PX = 224
CLIP_FRAMES = 16
WIDTH = 400
FILE = "I3D trained on Kinetics-400 (rgb_imagenet.pt of pytorch-i3d)"
# Widths of the four branches of each block: 1x1; 1x1 and 3x3; 1x1 and 3x3; pooled.
BLOCKS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
# The kernel and stride (frames, pixels) of the pooling before a block.
POOLED_BEFORE = {"Mixed_3b": ((1, 3), (1, 2)), "Mixed_4b": ((3, 3), (2, 2)), "Mixed_5b": ((2, 2), (2, 2))}


class Unit(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self._kernel, self._stride = kernel, stride
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv3d(_padded(x, (self._kernel,) * 3, (self._stride,) * 3))))


class Block(nn.Module):
    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.b0 = Unit(inputs, widths[0], 1)
        self.b1a, self.b1b = Unit(inputs, widths[1], 1), Unit(widths[1], widths[2], 3)
        self.b2a, self.b2b = Unit(inputs, widths[3], 1), Unit(widths[3], widths[4], 3)
        self.b3b = Unit(inputs, widths[5], 1)
        self.width = widths[0] + widths[2] + widths[4] + widths[5]

    def forward(self, x: Tensor) -> Tensor:
        pooled = _pooled(x, (3, 3), (1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], dim=1)


class Logits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(1024, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3d(x)


class I3D(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, stride=2)
        self.Conv3d_2b_1x1, self.Conv3d_2c_3x3 = Unit(64, 64, 1), Unit(64, 192, 3)
        inputs = 192
        for name, widths in BLOCKS.items():
            block = Block(inputs, widths)
            self.add_module(name, block)
            inputs = block.width
        self.logits = Logits()

    def forward(self, clips: Tensor) -> Tensor:
        """clips: (b f h w 3) uint8, f at least 9.  Returns (b 400)."""
        frames = rearrange(clips.float() / 127.5 - 1.0, "b f h w c -> (b f) c h w")
        frames = F.interpolate(frames, (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
        x = rearrange(frames, "(b f) c h w -> b c f h w", b=len(clips))
        x = _pooled(self.Conv3d_1a_7x7(x), (1, 3), (1, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in BLOCKS:
            if name in POOLED_BEFORE:
                x = _pooled(x, *POOLED_BEFORE[name])
            x = self.get_submodule(name)(x)
        x = self.logits(F.avg_pool3d(x, (2, 7, 7), 1))
        return reduce(x, "b c f 1 1 -> b c", "mean")


def load_i3d(path: Path) -> I3D:
    """Errors: CheckpointError."""
    return loaded(I3D, path, FILE)


def _pooled(x: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    kernels, strides = (kernel[0], kernel[1], kernel[1]), (stride[0], stride[1], stride[1])
    return F.max_pool3d(_padded(x, kernels, strides), kernels, strides)


def _padded(x: Tensor, kernels: tuple[int, ...], strides: tuple[int, ...]) -> Tensor:
    """TensorFlow's padding 'SAME', the larger half at the end. With zeros, also before pooling, as in the original."""
    pads: list[int] = []
    for size, kernel, stride in zip(x.shape[:1:-1], kernels[::-1], strides[::-1], strict=True):
        missing = max(kernel - (size % stride or stride), 0)
        pads += [missing // 2, missing - missing // 2]
    return F.pad(x, pads)
