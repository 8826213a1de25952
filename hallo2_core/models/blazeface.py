"""BlazeFace, short range: face detection in a 128×128 picture (Bazarevsky et al. 2019, arXiv 1907.05047).

The network of MediaPipe's `face_detection_short_range.tflite`; its published weights ship in `portrait/weights`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .blaze_blocks import SameConv, blaze_blocks, relu
from .layers import Build

INPUT_SIDE_PX = 128
ANCHORS_FINE = 2  # per cell of the 16×16 map
ANCHORS_COARSE = 6  # per cell of the 8×8 map
VALUES_PER_ANCHOR = 16  # center x y, width, height, then six points x y


class BlazeFace(nn.Module):
    """Two anchor maps, 16×16 with two per cell and 8×8 with six per cell: 896 anchors, row by row."""

    def __init__(self, build: Build | None = None) -> None:
        super().__init__()
        build = build or Build()
        self.stem = SameConv(3, 24, 5, build, stride=2)
        self.fine_blocks = blaze_blocks((24, 24, 28, 32, 36, 42, 48, 56, 64, 72, 80, 88), (2, 5), build, relu)
        self.coarse_blocks = blaze_blocks((88, 96, 96, 96, 96, 96), (0,), build, relu)
        self.fine_scores = build.conv2d(88, ANCHORS_FINE, 1)
        self.coarse_scores = build.conv2d(96, ANCHORS_COARSE, 1)
        self.fine_boxes = build.conv2d(88, ANCHORS_FINE * VALUES_PER_ANCHOR, 1)
        self.coarse_boxes = build.conv2d(96, ANCHORS_COARSE * VALUES_PER_ANCHOR, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """pictures: (b 3 128 128), RGB in -1..1.

        Returns logits (b 896) and (b 896 16): box and points in pixels of the 128×128 picture, centers and points
        relative to their anchor's cell.
        """
        fine = self.fine_blocks(F.relu(self.stem(pictures)))
        coarse = self.coarse_blocks(fine)
        logits = [
            rearrange(head, "b a h w -> b (h w a)") for head in (self.fine_scores(fine), self.coarse_scores(coarse))
        ]
        boxes = [
            rearrange(head, "b (a v) h w -> b (h w a) v", v=VALUES_PER_ANCHOR)
            for head in (self.fine_boxes(fine), self.coarse_boxes(coarse))
        ]
        return torch.cat(logits, dim=1), torch.cat(boxes, dim=1)


def anchor_centres() -> Tensor:
    """(896 2): x, y of the center of each anchor's cell, in pixels of the 128×128 picture, in the network's order."""
    maps = []
    for cells, anchors in ((16, ANCHORS_FINE), (8, ANCHORS_COARSE)):
        middle = (torch.arange(cells) + 0.5) * (INPUT_SIDE_PX / cells)
        y, x = torch.meshgrid(middle, middle, indexing="ij")
        maps.append(rearrange(torch.stack([x, y]), "v h w -> (h w) v").repeat_interleave(anchors, dim=0))
    return torch.cat(maps)
