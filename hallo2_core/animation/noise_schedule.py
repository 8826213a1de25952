"""DDIM as released: linear betas, zero terminal SNR, v-prediction, trailing timesteps, eta 0 (quirk 17); and the
training schedule."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

TRAINING_STEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012


@cache
@torch.inference_mode(False)  # cached for the whole process, so never an inference tensor
def signal_levels() -> Tensor:
    """The cumulative product of alphas, (1000), float32, on the CPU; the last one is exactly 0.

    As in the original: betas are linear, although training used another schedule (the settings are updated after the
    scheduler is built).
    """
    return _with_zero_terminal_snr(torch.linspace(BETA_START, BETA_END, TRAINING_STEPS))


@cache
@torch.inference_mode(False)
def training_signal_levels() -> Tensor:
    """The same for the schedule that the release was trained with ("scaled_linear": the betas' roots are linear)."""
    return _with_zero_terminal_snr(torch.linspace(BETA_START**0.5, BETA_END**0.5, TRAINING_STEPS) ** 2)


def _with_zero_terminal_snr(betas: Tensor) -> Tensor:
    """The cumulative product of alphas, shifted and scaled so that no signal is left at the last step."""
    roots = (1.0 - betas).cumprod(0).sqrt()
    first, last = roots[0].clone(), roots[-1].clone()
    levels = ((roots - last) * (first / (first - last))) ** 2
    betas = 1.0 - torch.cat([levels[:1], levels[1:] / levels[:-1]])
    return (1.0 - betas).cumprod(0)


def timesteps(steps: int) -> list[int]:
    """Trailing spacing: 999 down, evenly; 40 steps give 999, 974, … 24."""
    spaced = np.round(np.arange(TRAINING_STEPS, 0, -TRAINING_STEPS / steps)).astype(int) - 1
    return [int(timestep) for timestep in spaced[:steps]]


def ddim_step(latents: Tensor, prediction: Tensor, timestep: int, steps: int) -> Tensor:
    """One step from `timestep` toward the image.

    As in the original: the next noise level is the one 1000 // steps lower, not that of the next timestep in the
    list, and below zero there is no noise.
    """
    levels = signal_levels()
    following = timestep - TRAINING_STEPS // steps
    signal = float(levels[timestep])
    next_signal = float(levels[following]) if following >= 0 else 1.0
    clean = clean_estimate(latents, prediction, signal)
    noise = signal**0.5 * prediction + (1.0 - signal) ** 0.5 * latents
    return next_signal**0.5 * clean + (1.0 - next_signal) ** 0.5 * noise


def clean_estimate(latents: Tensor, prediction: Tensor, signal: float) -> Tensor:
    """What the latents are without noise, if the v-prediction is right. signal: their signal level."""
    return signal**0.5 * latents - (1.0 - signal) ** 0.5 * prediction
