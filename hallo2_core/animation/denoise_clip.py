"""The step loop of one clip: noise → latents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..models.attention_recorder import AttentionRecorder
from ..models.conditions import ClipConditions
from ..runtime import Runtime
from .guidance import Guidance, guided_prediction, repeat_for_guidance
from .noise_schedule import ddim_step, timesteps


@torch.inference_mode()
def denoise_clip(
    denoising_unet: nn.Module,
    noise: Tensor,
    conditions: ClipConditions,
    steps: int,
    guidance: Guidance,
    runtime: Runtime,
    after_step: Callable[[int, Tensor], None],
    recorder: AttentionRecorder | None = None,
) -> Tensor:
    """noise: (f 4 h w).  Returns the clip's latents, (f 4 h w).

    after_step: called with the number of steps done and the latents after them, (f 4 h w).
    recorder: records attention in the steps it names; the result is bit-identical.
    """
    latents = noise
    for step, timestep in enumerate(timesteps(steps)):
        runtime.check_cancelled()
        cond = conditions if recorder is None or step not in recorder.steps else conditions.recorded_by(recorder)
        prediction = predict(denoising_unet, latents, timestep, cond, guidance)
        latents = ddim_step(latents, prediction, timestep, steps)
        after_step(step + 1, latents)
    return latents


def predict(
    denoising_unet: nn.Module, latents: Tensor, timestep: int, conditions: ClipConditions, guidance: Guidance
) -> Tensor:
    """latents: (f 4 h w).  Returns the guided v-prediction, the same shape.

    Prompts act in the conditional rows only. A separate text scale needs one more pass over those rows, which is then
    the recorded pass.
    """
    batch = repeat_for_guidance(latents, guidance.cond_batch)
    if not (guidance.weighs_text and conditions.has_text):
        return guided_prediction(denoising_unet(batch, timestep, conditions), guidance)
    prediction = denoising_unet(batch, timestep, conditions.without_text().recorded_by(None))
    with_text = denoising_unet(latents, timestep, conditions.conditional_only())
    return guided_prediction(prediction, guidance, with_text)
