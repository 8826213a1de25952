"""The step loop for one clip."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..models.conditions import ClipConditions
from ..runtime import Runtime
from .guidance import both_halves, guided_prediction
from .noise_schedule import ddim_step, timesteps


@torch.inference_mode()
def denoising_steps(
    denoising_unet: nn.Module,
    noise: Tensor,
    conditions: ClipConditions,
    steps: int,
    guidance: float,
    runtime: Runtime,
) -> Iterator[Tensor]:
    """noise: (f 4 h w).  Yields the latents after each step, (f 4 h w); the last ones are the clip."""
    latents = noise
    for timestep in timesteps(steps):
        runtime.check_cancelled()
        prediction = denoising_unet(both_halves(latents, guidance), timestep, conditions)
        latents = ddim_step(latents, guided_prediction(prediction, guidance), timestep, steps)
        yield latents
