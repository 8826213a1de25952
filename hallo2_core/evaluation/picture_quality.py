"""Frames against the frames of a reference video: PSNR, SSIM and LPIPS."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..inspection.likeness import LEVELS, luma, ssim
from .measure import MeanOfFrames
from .networks.lpips import LPIPS

MOST_DB = 100.0  # what identical frames count as


class PSNR:
    """Peak signal-to-noise ratio, in dB. Of a video: from the mean squared error over all of its frames."""

    def __init__(self) -> None:
        self._square = MeanOfFrames("psnr")

    def add(self, frame: Tensor, reference: Tensor) -> Mapping[str, float]:
        """Both (h w 3) uint8."""
        return _in_decibels(self._square.add(float((frame.double() - reference.double()).square().mean())))

    def figures(self) -> Mapping[str, float]:
        return _in_decibels(self._square.figures())


class SSIM:
    """Structural similarity of the luminance, over windows of 7×7 pixels. Of a video: the mean over its frames."""

    def __init__(self) -> None:
        self._mean = MeanOfFrames("ssim")

    def add(self, frame: Tensor, reference: Tensor) -> Mapping[str, float]:
        """Both (h w 3) uint8."""
        return self._mean.add(ssim(luma(frame.float() / LEVELS), luma(reference.float() / LEVELS)))

    def figures(self) -> Mapping[str, float]:
        return self._mean.figures()


class LearnedDistance:
    """LPIPS. Of a video: the mean over its frames."""

    def __init__(self, network: LPIPS, device: torch.device) -> None:
        self._network, self._device = network, device
        self._mean = MeanOfFrames("lpips")

    def add(self, frame: Tensor, reference: Tensor) -> Mapping[str, float]:
        """Both (h w 3) uint8."""
        one, other = (picture.unsqueeze(0).to(self._device) for picture in (frame, reference))
        return self._mean.add(float(self._network(one, other)))

    def figures(self) -> Mapping[str, float]:
        return self._mean.figures()


def _in_decibels(mean_squares: Mapping[str, float]) -> Mapping[str, float]:
    """mean_squares: of differences in levels of 0..255."""
    return {
        name: min(10.0 * math.log10(LEVELS**2 / square), MOST_DB) if square > 0 else MOST_DB
        for name, square in mean_squares.items()
    }
