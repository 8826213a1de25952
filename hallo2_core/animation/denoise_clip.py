"""The step loop of one clip."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..models.attention_recorder import AttentionRecorder
from ..models.conditions import ClipConditions
from ..runtime import Runtime
from .guidance import Guidance, guided_prediction, repeat_for_guidance
from .noise_schedule import ddim_step, timesteps


@torch.inference_mode()
def denoising_steps(
    denoising_unet: nn.Module,
    noise: Tensor,
    conditions: ClipConditions,
    steps: int,
    guidance: Guidance,
    runtime: Runtime,
    recorder: AttentionRecorder | None = None,
) -> Iterator[Tensor]:
    """noise: (f 4 h w).  Yields the latents after each step, (f 4 h w); the last ones are the clip. recorder: records
    the steps it names."""
    latents = noise
    for step, timestep in enumerate(timesteps(steps)):
        runtime.check_cancelled()
        cond = conditions if recorder is None or step not in recorder.steps else conditions.recorded_by(recorder)
        prediction = predicted(denoising_unet, latents, timestep, cond, guidance)
        latents = ddim_step(latents, prediction, timestep, steps)
        yield latents


def predicted(
    denoising_unet: nn.Module, latents: Tensor, timestep: int, conditions: ClipConditions, guidance: Guidance
) -> Tensor:
    """latents: (f 4 h w).  Prompts are part of the conditional half; weighed apart they take one more pass over it,
    which is then the one to recorder."""
    batch = repeat_for_guidance(latents, guidance.cond_batch)
    if not (guidance.weighs_text and conditions.has_text):
        return guided_prediction(denoising_unet(batch, timestep, conditions), guidance)
    prediction = denoising_unet(batch, timestep, conditions.without_text().recorded_by(None))
    with_text = denoising_unet(latents, timestep, conditions.conditional_only())
    return guided_prediction(prediction, guidance, with_text)
