"""Measures the mouth of a generated cartoon by kernel regression on drawn frames of the same actor.

A reader is fitted to one actor, on rendered frames with many poses and expressions. On other drawn frames its readings
correlate with the truth at 0.99 (opening) and 0.96 to 0.99 (width): an upper bound for a generated video.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from .cartoons import Actor, draw, measure
from .cartoons.split import Split
from .draws import sample_rng
from .prepare_pictures import scattered_tracks

DRAWN_FRAMES = 500
POSES = 0.4  # of the largest angles: talking heads turn less
READ_SIDE = 24
ROOM = 0.25  # margin around the mouth's largest box, relative to its size
REACH, RIDGE = 3.0, 0.01  # the kernel's width, in median squared distances, and the ridge on its diagonal

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class MouthReader:
    box: Box  # left, top, right, bottom of this actor's mouths
    pieces: Tensor  # (n d): drawn mouths
    reach: float
    weights: Tensor  # (n 2): opening and width
    level: Tensor  # (2), their means

    def read(self, frames: Tensor) -> Tensor:
        """frames: (f h w 3), 0..1, of the reader's size.  Returns (f 2), opening and width in the
        units of `measure`."""
        return _kernel(_pieces(frames, self.box), self.pieces, self.reach) @ self.weights + self.level


def mouth_reader(seed: int, split: Split, size_px: int) -> MouthReader:
    """For the actor of this seed."""
    actor = Actor.from_seed(seed, split)
    tracks = scattered_tracks(sample_rng(1, seed, f"mouth reader {split}"), DRAWN_FRAMES)
    tracks = replace(tracks, yaw=POSES * tracks.yaw, pitch=POSES * tracks.pitch, roll=POSES * tracks.roll)
    truth = measure(actor, tracks, size_px)
    box = _mouth_box(truth.lip_box, size_px)
    pieces = _pieces(draw(actor, tracks, size_px), box)
    reach = REACH * float(torch.pdist(pieces).square().median())
    targets = torch.stack([truth.mouth_opening, truth.mouth_width], dim=1)
    level = targets.mean(dim=0)
    products = _kernel(pieces, pieces, reach) + RIDGE * torch.eye(len(pieces))
    return MouthReader(box, pieces, reach, torch.linalg.solve(products, targets - level), level)


def correlation(a: Tensor, b: Tensor) -> float:
    """Of two series (f). 0 if one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = a.norm() * b.norm()
    return float(a @ b / scale) if scale > 0 else 0.0


def _mouth_box(lip_boxes: Tensor, size_px: int) -> Box:
    low, high = lip_boxes[:, :2].amin(dim=0), lip_boxes[:, 2:].amax(dim=0)
    room = ROOM * (high - low)
    left, top = (low - room).floor().clamp_min(0).int().tolist()
    right, bottom = (high + room).ceil().clamp_max(size_px).int().tolist()
    return left, top, right, bottom


def _pieces(frames: Tensor, box: Box) -> Tensor:
    """(f d): the mouth region of each frame."""
    left, top, right, bottom = box
    piece = rearrange(frames[:, top:bottom, left:right].float(), "f h w c -> f c h w")
    small = F.interpolate(piece, size=(READ_SIDE, READ_SIDE), mode="bilinear", antialias=True)
    return rearrange(small, "f c h w -> f (c h w)")


def _kernel(a: Tensor, b: Tensor, reach: float) -> Tensor:
    return torch.exp(-torch.cdist(a, b).square() / reach)
