"""The frames before a clip, as training shows them to the model."""

from __future__ import annotations

from typing import Protocol

import torch
from einops import repeat
from torch import Tensor

from ..animation.motion_settings import PatchDropConfig
from ..animation.patch_drop import corrupt_motion_frames
from ..animation.randomness import SeededDraws
from ..animation.sampler_config import SamplerConfig
from .clip_records import FRAMES
from .draws import sample_seed
from .records import RecordShards
from .vae_stage import pixels_of

CORRUPTION = PatchDropConfig(rate=0.25, patch_px=1, noise_as_trained=True)  # as the release trains


class MotionRatios(Protocol):
    """Part of the settings of a stage that trains on clips."""

    motion_frames: int
    portrait_motion_ratio: float  # of the clips that follow the portrait, like a video's first
    start_ratio: float  # of the clips with nothing before them


def motion_before(
    records: RecordShards, record: int, first: int, portrait: Tensor, chance: float, ratios: MotionRatios
) -> Tensor:
    """(m 3 H W), -1..1: the frames before frame `first`, or the portrait, or zeros for none.

    portrait: (3 H W) uint8.  chance: 0..1, drawn.
    """
    count = ratios.motion_frames
    if chance < ratios.start_ratio:
        return torch.zeros(count, *portrait.shape)
    if chance < ratios.start_ratio + ratios.portrait_motion_ratio:
        return repeat(pixels_of(portrait), "c h w -> m c h w", m=count)
    return pixels_of(records.read(record, FRAMES, slice(first - count, first)))


def corrupted(before: Tensor, face_region: Tensor, seed: int, number: int) -> Tensor:
    """Noised and patch-dropped, from the draws of a sample's number. No frames (zeros) stay as they are."""
    if not before.any():
        return before
    draws = SeededDraws(SamplerConfig(), CORRUPTION, sample_seed(seed, number, "motion"))
    return corrupt_motion_frames(before, face_region, CORRUPTION, draws)
