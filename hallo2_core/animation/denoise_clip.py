"""The step loop of one clip: noise → latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn

from ..models.attention_recorder import AttentionRecorder
from ..models.conditions import ClipConditions
from ..models.running import STEPS_DIRECTLY, RunSteps
from ..runtime import Runtime
from .acceleration import DPM_SOLVER, EXACT, Acceleration, StepPlan
from .dpm_solver import dpm_step
from .guidance import Guidance, guided_prediction, repeat_for_guidance, with_earlier_difference
from .noise_schedule import ddim_step, timesteps


@dataclass
class EarlierSteps:
    """What later steps of a clip use of earlier ones. Made for a clip and gone with it."""

    halves: Tensor | None = None  # ((2 f) 4 h w): the last predictions of both halves, before guidance
    clean: Tensor | None = None  # (f 4 h w): the last clean estimate, for the multistep solver
    deep: dict[str, Tensor] = field(default_factory=dict)  # per pass, ((b f) c h w): the last deep features


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
    acceleration: Acceleration = EXACT,
    run: RunSteps = STEPS_DIRECTLY,
) -> Tensor:
    """noise: (f 4 h w).  Returns the clip's latents, (f 4 h w).

    steps: those that are taken.
    after_step: called with the number of steps done and the latents after them, (f 4 h w).
    recorder: records attention in the steps it names; the result is bit-identical.
    run: runs the clip, its steps and the network in them.
    """

    def denoise(latents: Tensor) -> Tensor:
        earlier, plans = EarlierSteps(), acceleration.plan(steps, guidance.cond_batch)
        for step, (timestep, plan) in enumerate(zip(timesteps(steps), plans, strict=True)):
            runtime.check_cancelled()
            cond = conditions if recorder is None or step not in recorder.steps else conditions.recorded_by(recorder)
            guided = partial(
                predict, denoising_unet, timestep=timestep, conditions=cond, guidance=guidance, plan=plan,
                earlier=earlier, run=run,
            )  # fmt: skip
            prediction = run.step(guided, latents, timestep)
            if acceleration.solver == DPM_SOLVER:
                latents, earlier.clean = dpm_step(latents, prediction, step, steps, earlier.clean)
            else:
                latents = ddim_step(latents, prediction, timestep, steps)
            after_step(step + 1, latents)
        return latents

    return run.clip(denoise, noise, timesteps(steps))


def predict(
    denoising_unet: nn.Module,
    latents: Tensor,
    timestep: int,
    conditions: ClipConditions,
    guidance: Guidance,
    plan: StepPlan | None = None,
    earlier: EarlierSteps | None = None,
    run: RunSteps = STEPS_DIRECTLY,
) -> Tensor:
    """latents: (f 4 h w).  Returns the guided v-prediction, the same shape.  plan: None: everything is computed.

    Prompts act in the conditional rows only. A separate text scale needs one more pass over those rows, which is then
    the recorded pass.
    """
    plan = plan or StepPlan(guidance.cond_batch, is_guided=guidance.cond_batch == 2)
    weighs_text = guidance.weighs_text and conditions.has_text
    cond = conditions if plan.halves == guidance.cond_batch else conditions.conditional_only()
    batch = repeat_for_guidance(latents, plan.halves)
    run_pass = partial(_pass, denoising_unet, plan, earlier, run)
    if weighs_text:
        prediction = run_pass("main", batch, timestep, cond.without_text().recorded_by(None))
        with_text = run_pass("text", latents, timestep, conditions.conditional_only())
    else:
        prediction, with_text = run_pass("main", batch, timestep, cond), None
    if not plan.is_guided:
        return guided_prediction(prediction, replace(guidance, cond_batch=1), with_text)
    if plan.halves == 1:
        prediction = with_earlier_difference(prediction, earlier.halves)
    elif earlier is not None:
        earlier.halves = prediction
    return guided_prediction(prediction, guidance, with_text)


def _pass(
    denoising_unet: nn.Module,
    plan: StepPlan,
    earlier: EarlierSteps | None,
    run: RunSteps,
    name: str,
    batch: Tensor,
    timestep: int,
    conditions: ClipConditions,
) -> Tensor:
    """One call of the network, batch: (b f) 4 h w, with deep features computed, kept or reused as planned.  run: runs
    calls without deep features; `check_inputs` refuses others than the direct one with them."""
    if plan.reuses_deep:
        return denoising_unet.from_deep_features(batch, timestep, conditions, earlier.deep[name][-len(batch) :])
    if not plan.keeps_deep:
        return run.unet(denoising_unet, batch, timestep, conditions)
    earlier.deep.pop(name, None)  # not alive beside the new ones
    prediction, earlier.deep[name] = denoising_unet.with_deep_features(batch, timestep, conditions)
    return prediction
