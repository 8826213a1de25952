"""Samples clips from networks in training: DDIM with guidance, a batch of clips at once, and decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from ..animation.noise_schedule import ddim_step, timesteps
from ..config import LATENT_SCALE
from ..models.vae import AutoencoderKL

AT_ONCE = 4  # frames that are decoded


class Sampling(Protocol):
    steps: int
    guidance: float


def sampling_path(
    noise: Tensor, sampling: Sampling, predict: Callable[[int, Tensor], tuple[Tensor, Tensor]]
) -> Iterator[Tensor]:
    """noise: (b f 4 h w).  predict: timestep, latents → the predictions with and without conditions.  Yields the
    latents after each step."""
    latents = noise
    for timestep in timesteps(sampling.steps):
        seen, unseen = (prediction.float() for prediction in predict(timestep, latents))
        latents = ddim_step(latents, unseen + sampling.guidance * (seen - unseen), timestep, sampling.steps)
        yield latents


def sampled_latents(
    noise: Tensor, sampling: Sampling, predict: Callable[[int, Tensor], tuple[Tensor, Tensor]]
) -> Tensor:
    """As `sampling_path`. Returns the latents after the last step."""
    for latents in sampling_path(noise, sampling, predict):  # noqa: B007 - those before are not kept
        pass
    return latents


def decoded_clips(latents: Tensor, vae: AutoencoderKL) -> list[Tensor]:
    """latents: (b f 4 h w).  Returns (f 3 H W), 0..1, on the CPU, of each clip."""
    return [torch.cat([_pixels(some, vae) for some in clip.split(AT_ONCE)]) for clip in latents]


def _pixels(latents: Tensor, vae: AutoencoderKL) -> Tensor:
    return (vae.decode(latents / LATENT_SCALE).float() / 2 + 0.5).clamp(0, 1).cpu()
