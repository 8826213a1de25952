"""Everything a clip passes to the next, so that a video can resume at any clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .inputs import AnimationInputs
from .motion_frames import first_motion_frames
from .randomness import ClipDraws, LegacyDraws, SeededDraws, legacy_generator


@dataclass(frozen=True)
class ClipState:
    """The state at the start of a clip."""

    number: int
    motion_pixels: Tensor  # (m 3 h w), -1..1, the last frames before it, before patch-drop and noise
    legacy_generator: Tensor | None = None  # the state of the release's single generator, if used


def first_state(inputs: AnimationInputs) -> ClipState:
    pixels = first_motion_frames(inputs.reference.portrait, inputs.motion)
    is_legacy = inputs.sampler.legacy_rng
    return ClipState(0, pixels, legacy_generator(inputs.sampler).get_state() if is_legacy else None)


def clip_draws(inputs: AnimationInputs, state: ClipState) -> ClipDraws:
    """The random draws of the clip that begins at `state`."""
    sampler, patch_drop = inputs.sampler, inputs.motion.patch_drop
    if state.legacy_generator is None:
        return SeededDraws(sampler, patch_drop, state.number)
    generator = torch.Generator()
    generator.set_state(state.legacy_generator)
    return LegacyDraws(generator, patch_drop, state.number)
