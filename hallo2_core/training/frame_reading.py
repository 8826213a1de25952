"""Reads numbers off a part of a cartoon's frames, by kernel regression on drawn frames of the same actor.

A reader is fitted to one actor, on rendered frames with many poses and expressions whose truth is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

READ_SIDE = 24
ROOM = 0.25  # margin around the largest box, relative to its size
REACH, RIDGE = 3.0, 0.01  # the kernel's width, in median squared distances, and the ridge on its diagonal

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class FrameReader:
    box: Box  # left, top, right, bottom of the part that is read
    pieces: Tensor  # (n d): drawn parts
    reach: float
    weights: Tensor  # (n q): of each number that is read
    level: Tensor  # (q), their means

    def read(self, frames: Tensor) -> Tensor:
        """frames: (f h w 3), 0..1, of the reader's size.  Returns (f q), the numbers it was fitted to."""
        return _kernel(pieces_of(frames, self.box), self.pieces, self.reach) @ self.weights + self.level


def fitted_reader(frames: Tensor, box: Box, targets: Tensor, reach: float = REACH) -> FrameReader:
    """frames: (n h w 3), drawn.  targets: (n q), their truth.  reach: the kernel's, in median squared distances."""
    pieces = pieces_of(frames, box)
    reach = reach * float(torch.pdist(pieces).square().median())
    level = targets.mean(dim=0)
    products = _kernel(pieces, pieces, reach) + RIDGE * torch.eye(len(pieces))
    return FrameReader(box, pieces, reach, torch.linalg.solve(products, targets - level), level)


def box_around(boxes: Tensor, size_px: int, room: float = ROOM) -> Box:
    """boxes: (f 4).  Returns a box that holds all of them, with a margin."""
    low, high = boxes[:, :2].amin(dim=0), boxes[:, 2:].amax(dim=0)
    margin = room * (high - low)
    left, top = (low - margin).floor().clamp_min(0).int().tolist()
    right, bottom = (high + margin).ceil().clamp_max(size_px).int().tolist()
    return left, top, right, bottom


def pieces_of(frames: Tensor, box: Box, side_px: int = READ_SIDE) -> Tensor:
    """(f d): the box's part of each frame, small."""
    left, top, right, bottom = box
    piece = rearrange(frames[:, top:bottom, left:right].float(), "f h w c -> f c h w")
    small = F.interpolate(piece, size=(side_px, side_px), mode="bilinear", antialias=True)
    return rearrange(small, "f c h w -> f (c h w)")


def _kernel(a: Tensor, b: Tensor, reach: float) -> Tensor:
    return torch.exp(-torch.cdist(a, b).square() / reach)
