"""The denoiser's objective: v-prediction on a schedule with zero terminal SNR, weighted by min-SNR-γ per sample.

The release averages its loss before multiplying by the weights, which then act as one number for the whole batch;
here each clip has its own.
"""

from __future__ import annotations

from einops import rearrange, reduce
from torch import Tensor


def noisy_latents(latents: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """latents, noise: (b f c h w).  signal: (b), the cumulative product of alphas at each clip's timestep."""
    signal = rearrange(signal, "b -> b 1 1 1 1")
    return signal.sqrt() * latents + (1.0 - signal).sqrt() * noise


def velocity(latents: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """What the network predicts (Salimans and Ho, 2022)."""
    signal = rearrange(signal, "b -> b 1 1 1 1")
    return signal.sqrt() * noise - (1.0 - signal).sqrt() * latents


def min_snr_weights(signal: Tensor, gamma: float) -> Tensor:
    """signal: (b).  Returns (b): min(SNR + 1, γ) / (SNR + 1), where the step without any signal has weight 1."""
    return (gamma * (1.0 - signal)).clamp(max=1.0)


def weighted_square(errors: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Returns (b), the weighted mean square of each clip.

    errors: (b f c h w).  places: (b h w), weight of each position.  weights: (b), of the clips.
    """
    square = reduce(errors.square(), "b f c h w -> b h w", "mean")
    return weights * (square * places).sum(dim=(1, 2)) / places.sum(dim=(1, 2))
