"""The residual block of BlazeFace and FaceMesh, with TFLite's padding."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Build

Activation = Callable[[int, Build], nn.Module]  # of a number of channels


def pad_like_tflite(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TFLite's "same" padding of (b c h w): if the total is odd, the extra column and row go right and below."""
    height, width = x.shape[-2:]
    down, across = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in (height, width))
    return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))


class SameConv(nn.Module):
    """A convolution with TFLite's "same" padding."""

    def __init__(
        self, in_width: int, out_width: int, kernel: int, build: Build, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = build.conv2d(in_width, out_width, kernel, stride=stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(pad_like_tflite(x, self.kernel, self.stride))


class BlazeBlock(nn.Module):
    """Depthwise 3×3, pointwise, plus the input: max-pooled at stride 2, new channels zero-padded."""

    def __init__(self, in_width: int, out_width: int, build: Build, activation: Activation, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = out_width - in_width
        self.depthwise = SameConv(in_width, in_width, 3, build, stride=stride, groups=in_width)
        self.pointwise = build.conv2d(in_width, out_width, 1)
        self.activation = activation(out_width, build)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b c h w), h and w even at stride 2."""
        shortcut = F.max_pool2d(x, 2) if self.stride == 2 else x
        shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.new_channels))
        return self.activation(shortcut + self.pointwise(self.depthwise(x)))


def blaze_blocks(
    widths: tuple[int, ...], halving: tuple[int, ...], build: Build, activation: Activation
) -> nn.Sequential:
    """Blocks from each width to the next; those with an index in `halving` have stride 2."""
    return nn.Sequential(
        *(
            BlazeBlock(widths[i], widths[i + 1], build, activation, stride=2 if i in halving else 1)
            for i in range(len(widths) - 1)
        )
    )


def relu(width: int, build: Build) -> nn.Module:
    return nn.ReLU()


def prelu(width: int, build: Build) -> nn.Module:
    """One slope per channel."""
    return nn.PReLU(width, dtype=build.dtype, device=build.device)
