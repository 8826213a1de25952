"""The face locator: the face position, as a map added to the denoising UNet's first features."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from ..config import FaceLocatorConfig
from .layers import Build, Network


class FaceLocator(Network):
    def __init__(self, config: FaceLocatorConfig, build: Build) -> None:
        super().__init__(build)
        widths = config.block_widths
        self.conv_in = build.conv2d(3, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for width, next_width in pairwise(widths):
            self.blocks.append(build.conv2d(width, width, 3, padding=1))
            self.blocks.append(build.conv2d(width, next_width, 3, padding=1, stride=2))
        self.conv_out = build.conv2d(widths[-1], config.out_width, 3, padding=1)

    def forward(self, face_region: Tensor) -> Tensor:
        """face_region: (b 3 H W), 0..1, the face box.  Returns (b c h w), eight times smaller."""
        x = F.silu(self.conv_in(face_region))
        for block in self.blocks:
            x = F.silu(block(x))
        return self.conv_out(x)
