"""Frames against the frames of a reference video: PSNR and SSIM."""

from __future__ import annotations

import math
from collections.abc import Mapping

from einops import rearrange
from torch import Tensor

from ..inspection.likeness import LEVELS, LUMA, ssim

MOST_DB = 100.0  # what identical frames count as


class PSNR:
    """Peak signal-to-noise ratio, in dB. Of a video: from the mean squared error over all of its frames."""

    def __init__(self) -> None:
        self._squares, self._frames = 0.0, 0

    def add(self, frame: Tensor, reference: Tensor) -> Mapping[str, float]:
        """Both (h w 3) uint8."""
        square = float((frame.double() - reference.double()).square().mean())
        self._squares, self._frames = self._squares + square, self._frames + 1
        return {"psnr": decibels(square)}

    def figures(self) -> Mapping[str, float]:
        return {"psnr": decibels(self._squares / self._frames)} if self._frames else {}


class SSIM:
    """Structural similarity of the luminance, over windows of 7×7 pixels. Of a video: the mean over its frames."""

    def __init__(self) -> None:
        self._total, self._frames = 0.0, 0

    def add(self, frame: Tensor, reference: Tensor) -> Mapping[str, float]:
        """Both (h w 3) uint8."""
        value = ssim(luma(frame), luma(reference))
        self._total, self._frames = self._total + value, self._frames + 1
        return {"ssim": value}

    def figures(self) -> Mapping[str, float]:
        return {"ssim": self._total / self._frames} if self._frames else {}


def decibels(mean_square: float) -> float:
    """mean_square: of differences in levels of 0..255."""
    return min(10.0 * math.log10(LEVELS**2 / mean_square), MOST_DB) if mean_square > 0 else MOST_DB


def luma(frame: Tensor) -> Tensor:
    """frame: (h w 3) uint8.  Returns (1 1 h w), 0..1."""
    picture = frame.float() / LEVELS
    return rearrange((picture * picture.new_tensor(LUMA)).sum(dim=-1), "h w -> 1 1 h w")
