"""Flicker along motion: how much a frame differs from the one before it, moved to where things are now.

The warping error of Lai et al. (2018), with our own optical flow. Motion does not count, noise between frames does. A
part that comes into view counts too, so compare a figure with that of a real video of the same kind, not with zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..inspection.likeness import LEVELS, luma
from .measure import MeanOfFrames
from .optical_flow import is_inside, optical_flow, warped

LONGEST_SIDE_PX = 256  # larger frames are reduced to it


class Flicker:
    """In levels of 0..255: mean absolute difference to the warped previous frame. Holds one frame."""

    def __init__(self) -> None:
        self._before: Tensor | None = None
        self._mean = MeanOfFrames("flicker")

    def add(self, frame: Tensor, reference: Tensor | None = None) -> Mapping[str, float]:
        """frame: (h w 3) uint8. Returns nothing for the first frame; needs no reference."""
        picture = _reduced(frame)
        before, self._before = self._before, picture
        if before is None:
            return {}
        flow = optical_flow(_luma(picture), _luma(before))
        inside = is_inside(flow)
        apart = (picture - warped(before, flow)).abs().mean(dim=1, keepdim=True)
        return self._mean.add(float((apart * inside).sum() / inside.sum().clamp_min(1)) * LEVELS)

    def figures(self) -> Mapping[str, float]:
        return self._mean.figures()


def _reduced(frame: Tensor) -> Tensor:
    """(1 3 h w), 0..1."""
    picture = rearrange(frame.float() / LEVELS, "h w c -> 1 c h w")
    height, width = frame.shape[:2]
    scale = LONGEST_SIDE_PX / max(height, width)
    if scale >= 1:
        return picture
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    return F.interpolate(picture, size, mode="bilinear", antialias=True, align_corners=False)


def _luma(picture: Tensor) -> Tensor:
    return luma(rearrange(picture, "1 c h w -> h w c"))
