"""FaceMesh: 468 points of a face in a 192×192 picture (Kartynnik et al. 2019, arXiv 1907.06724).

The network of MediaPipe's `face_landmark.tflite`; its published weights ship in `portrait/weights`.
"""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn

from .blaze_blocks import BlazeBlock, SameConv, blaze_blocks, prelu
from .layers import Build

INPUT_SIDE_PX = 192
POINTS = 468
TRUNK_WIDTHS = (16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128)


class FaceMesh(nn.Module):
    """A trunk down to 6×6, then one branch for the points and one for face presence."""

    def __init__(self, build: Build | None = None) -> None:
        super().__init__()
        build = build or Build()
        self.stem = SameConv(3, 16, 3, build, stride=2)
        self.stem_activation = prelu(16, build)
        self.trunk = blaze_blocks(TRUNK_WIDTHS, (2, 5, 8, 11), build, prelu)
        self.points = Branch((128, 128, 128, 128), POINTS * 3, build)
        self.presence = Branch((128, 128), 1, build)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """pictures: (b 3 192 192), RGB in 0..1.

        Returns points (b 468 3) x, y in pixels of the 192×192 picture, z depth on the same scale, and logits (b).
        """
        features = self.trunk(self.stem_activation(self.stem(pictures)))
        points = rearrange(self.points(features), "b (points axes) 1 1 -> b points axes", axes=3)
        return points, rearrange(self.presence(features), "b 1 1 1 -> b")


class Branch(nn.Module):
    """From 6×6 features to one vector: blocks, the first with stride 2, 32 channels, then one 3×3 over all of it."""

    def __init__(self, widths: tuple[int, ...], out_width: int, build: Build) -> None:
        super().__init__()
        self.blocks = blaze_blocks(widths, (0,), build, prelu)
        self.narrow = build.conv2d(widths[-1], 32, 1)
        self.narrow_activation = prelu(32, build)
        self.narrow_block = BlazeBlock(32, 32, build, prelu)
        self.head = build.conv2d(32, out_width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """x: (b c 6 6).  Returns (b out_width 1 1)."""
        return self.head(self.narrow_block(self.narrow_activation(self.narrow(self.blocks(x)))))
