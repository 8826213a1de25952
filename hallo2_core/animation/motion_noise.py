"""Gaussian noise on motion frames: x becomes √(1-σ²) x + σ n (paper §4.1), on pixels, as the release trains."""

from __future__ import annotations

import torch
from torch import Tensor

from .motion_settings import MOST_NOISE_TIME, PatchDropConfig
from .noise_schedule import training_signal_levels
from .randomness import ClipDraws

TRAINED_OFFSET = 0.05  # of the per-frame level that training adds to the noise


def add_noise(pixels: Tensor, config: PatchDropConfig, draws: ClipDraws) -> Tensor:
    """pixels: (m 3 h w), -1..1. The release adds none at inference; the paper (§4.4) does."""
    time = draws.noise_time(MOST_NOISE_TIME) if config.noise_as_trained else config.noise_time
    sigma = config.noise_sigma if time is None else sigma_at(time)
    if not sigma:
        return pixels
    noise = draws.motion_noise(pixels.shape)
    if config.noise_as_trained:
        noise = noise + TRAINED_OFFSET * draws.motion_noise(torch.Size((len(pixels), 1, 1, 1)))
    return (1.0 - sigma**2) ** 0.5 * pixels + sigma * noise.to(pixels)


def sigma_at(time: int) -> float:
    """The standard deviation of the noise at a step of the training schedule: 0.029 at 0, 0.225 at 49."""
    return (1.0 - float(training_signal_levels()[time])) ** 0.5
