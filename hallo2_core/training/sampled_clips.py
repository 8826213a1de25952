"""Samples clips from the current networks, in batches, and compares their mouths with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor

from ..animation.guidance import is_guided
from .cartoons.split import Split
from .clip_batch import Clip, ClipBatch
from .clip_reading import clip_of, portrait_of
from .clip_records import (
    FRAMES,
    LATENTS,
    MOUTH_TRUTH,
    SEED,
)
from .draws import sample_generator
from .frame_reading import FrameReader
from .joint_objective import JointObjective
from .mouth_reading import correlation, mouth_reader
from .records import RecordShards
from .sampling import decoded_clips, sampled_latents
from .vae_stage import decibels, pixels_of


@dataclass(frozen=True)
class SamplingSettings:
    clips: int = 8  # from as many held-back actors; 0: none
    first_frame: int = 12  # of each: performances begin with silence
    frames: int = 16
    steps: int = 10
    guidance: float = 1.5


class SampledClips:
    """One clip of each held-back record, from its portrait (its very first frame) and its sound."""

    def __init__(self, records: RecordShards, split: Split, settings: SamplingSettings, motion_frames: int) -> None:
        self.settings = settings
        self._numbers = range(min(settings.clips, len(records)))
        self._records = records
        self._batch = ClipBatch.of([_clip(records, number, settings, motion_frames) for number in self._numbers])
        self._size_px = self._batch.face_region.shape[-1]
        self._split = split
        self._readers: list[FrameReader] = []

    def figures(self, objective: JointObjective) -> Mapping[str, float]:
        """sync_opening, sync_width: correlation with the truth, mean over the clips.  amplitude: standard deviation of
        the opening, relative to the truth's.  jitter: mean difference of neighboring frames, relative to the truth's.
        psnr_db: of frames against the truth, whose head motion is not among the conditions."""
        readers = self._readers or [
            mouth_reader(int(self._records.read(number, SEED)), self._split, self._size_px) for number in self._numbers
        ]
        self._readers = readers
        generated = self.frames(objective)
        scores = []
        for number, frames, reader in zip(self._numbers, generated, readers, strict=True):
            span = slice(self.settings.first_frame, self.settings.first_frame + self.settings.frames)
            true = (pixels_of(self._records.read(number, FRAMES, span)) + 1) / 2
            mouth = reader.read(rearrange(frames, "f c h w -> f h w c"))
            truth = self._records.read(number, MOUTH_TRUTH, span)
            scores.append(
                (
                    correlation(mouth[:, 0], truth[:, 0]),
                    correlation(mouth[:, 1], truth[:, 1]),
                    float(mouth[:, 0].std() / truth[:, 0].std().clamp_min(1e-4)),
                    float(frames.diff(dim=0).abs().mean() / true.diff(dim=0).abs().mean()),
                    float((frames - true).square().mean()),
                )
            )
        opening, width, amplitude, jitter, square = torch.tensor(scores).mean(dim=0)
        return {
            "sync_opening": float(opening),
            "sync_width": float(width),
            "amplitude": float(amplitude),
            "jitter": float(jitter),
            "psnr_db": decibels(square),
        }

    @torch.no_grad()
    def frames(self, objective: JointObjective) -> list[Tensor]:
        """(f 3 h w), 0..1, on the CPU, of each clip."""
        batch = self._batch.to(next(objective.parameters()).device)
        halves = [batch, batch.without_conditions()] if is_guided(self.settings.guidance) else [batch]
        conditions = [objective.conditions(half) for half in halves]

        def predict(timestep: int, latents: Tensor) -> tuple[Tensor, Tensor]:
            times = batch.at(timestep).timesteps
            seen, *unseen = (objective.predicted_under(one, latents, times) for one in conditions)
            return seen, unseen[0] if unseen else seen

        return decoded_clips(sampled_latents(batch.noise, self.settings, predict), objective.vae)


def _clip(records: RecordShards, number: int, settings: SamplingSettings, motion_frames: int) -> Clip:
    first, portrait = settings.first_frame, portrait_of(records, number, 0)
    latents = records.read(number, LATENTS, slice(first, first + settings.frames)).float()
    noise = torch.randn(latents.shape, generator=sample_generator(0, number, "sampled clips"))
    motion = repeat(pixels_of(portrait[FRAMES]), "c h w -> m c h w", m=motion_frames)
    return clip_of(records, number, first, portrait, latents, noise, motion)
