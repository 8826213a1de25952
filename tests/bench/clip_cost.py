"""What each kind of step of a model costs, counted on the meta device."""

from __future__ import annotations

from functools import cache, partial

import torch
from flops import counted
from meta_clip import FRAMES, TIMESTEP, MetaClip
from quality.cost import ClipCost, Pass

from hallo2_core.animation.acceleration import StepPlan
from hallo2_core.animation.denoise_clip import EarlierSteps, predict
from hallo2_core.animation.guidance import Guidance
from hallo2_core.checkpoints.small_model import SMALL_HALLO2, SMALL_VAE

GUIDANCE = Guidance(3.5, cond_batch=2)


@cache
def released_cost() -> ClipCost:
    """At 512×512 with 16 + 2 frames, under guidance."""
    return cost_of(MetaClip())


@cache
def demo_cost() -> ClipCost:
    """Of the demo model, at 128×128."""
    return cost_of(MetaClip(128, config=SMALL_HALLO2, vae_config=SMALL_VAE))


@torch.inference_mode()
def cost_of(video: MetaClip) -> ClipCost:
    portrait, tokens = video.portrait()
    conditions, before = counted(lambda: video.clip(portrait, tokens))
    _, decoding = counted(video.decode)
    passes: dict[Pass, float] = {}
    step = partial(predict, video.models.denoising_unet, video.latents(FRAMES), TIMESTEP, conditions, GUIDANCE)
    for halves in (2, 1):
        earlier = EarlierSteps()
        for reuses in (False, True):
            plan = StepPlan(halves, halves == 2, keeps_deep=not reuses, reuses_deep=reuses)
            _, passes[halves, reuses] = counted(partial(step, plan, earlier))
    return ClipCost(passes, before + decoding)
