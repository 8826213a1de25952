"""Samples short videos with prompts from the current adapter, and reads their expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from einops import rearrange, repeat
from torch import Tensor

from ..models.text_encoder import TextTransformer, pieces_of
from .cartoons import EXPRESSIONS, FPS
from .cartoons.captions import MOODS
from .clip_batch import ClipBatch
from .clip_reading import PORTRAIT, clip_of
from .clip_records import (
    FRAMES,
    LATENTS,
    SEED,
)
from .draws import sample_generator
from .expression_reading import ExpressionReader, expression_reader, seconds_to_recognition
from .records import RecordShards
from .sampling import decoded_clips, sampled_latents
from .text_objective import PromptedClips, TextObjective
from .text_portraits import NeutralPortraits
from .vae_stage import pixels_of


@dataclass(frozen=True)
class TextSamplingSettings:
    actors: int = 2  # held-back ones, each with every mood; 0: none
    first_frame: int = 12  # of each: performances begin with silence
    frames: int = 16  # of a clip
    steps: int = 10
    guidance: float = 1.5


class TextSamples:
    """Of each actor and mood a video of two clips, from a neutral portrait: the mood, then the next one."""

    def __init__(
        self,
        records: RecordShards,
        portraits: NeutralPortraits,
        encoder: TextTransformer,
        settings: TextSamplingSettings,
        motion_frames: int,
    ) -> None:
        self.settings = settings
        self._records = records
        self._portraits = portraits
        self._motion_frames = motion_frames
        texts = [pieces_of(f"a person talks {MOODS[mood][0]}", encoder.config.buckets) for mood in EXPRESSIONS]
        with torch.no_grad():
            self._embeddings = encoder(texts)
        actors = range(min(settings.actors, len(records)))
        self._videos = [(actor, mood) for actor in actors for mood in range(len(EXPRESSIONS))]
        self._readers: dict[int, ExpressionReader] = {}

    def figures(self, objective: TextObjective) -> Mapping[str, float]:
        """recognized: the share of clips whose last half shows the prompted expression in most frames.
        recognized_after_change: of the second clips alone.  change_seconds: from their first frame to the recognition,
        mean; their length where there is none."""
        first, second = self.frames(objective)
        shown = [self._shown(clip, number, shift=0) for number, clip in enumerate(first)]
        changed = [self._shown(clip, number, shift=1) for number, clip in enumerate(second)]
        delays = [
            seconds_to_recognition(self._read(clip, number), self._mood(number, 1), FPS)
            for number, clip in enumerate(second)
        ]
        length = self.settings.frames / FPS
        return {
            "recognized": sum(shown + changed) / len(shown + changed),
            "recognized_after_change": sum(changed) / len(changed),
            "change_seconds": sum(length if delay is None else delay for delay in delays) / len(delays),
        }

    @torch.no_grad()
    def frames(self, objective: TextObjective) -> tuple[list[Tensor], list[Tensor]]:
        """The first and the second clips of all videos, each (f 3 h w), 0..1, on the CPU."""
        portraits = [pixels_of(self._portrait(actor)[FRAMES]) for actor, _ in self._videos]
        motion = repeat(torch.stack(portraits), "b c h w -> b m c h w", m=self._motion_frames)
        first = self._sampled(objective, clip=0, motion=motion)
        tails = torch.stack([clip[-self._motion_frames :] for clip in first])
        return first, self._sampled(objective, clip=1, motion=tails * 2.0 - 1.0)

    def _sampled(self, objective: TextObjective, clip: int, motion: Tensor) -> list[Tensor]:
        frames = self.settings.frames
        moods = [self._mood(number, clip) for number in range(len(self._videos))]
        embeddings = repeat(self._embeddings[moods], "b d -> b f d", f=frames)
        clips = self._clips(self.settings.first_frame + clip * frames, motion)
        batch = PromptedClips(clips, embeddings, torch.ones(embeddings.shape[:2])).to(
            next(objective.parameters()).device
        )

        def predict(timestep: int, latents: Tensor) -> tuple[Tensor, Tensor]:
            now = batch.clips.at(timestep)
            seen = objective.predicted(replace(batch, clips=now), latents)
            return seen, objective.model.predicted(now.without_conditions(), latents)

        return decoded_clips(sampled_latents(batch.clips.noise, self.settings, predict), objective.model.vae)

    def _clips(self, first: int, motion: Tensor) -> ClipBatch:
        frames, clips = self.settings.frames, []
        for number, (actor, _) in enumerate(self._videos):
            portrait, draws = self._portrait(actor), sample_generator(first, number, "text samples")
            noise = torch.randn((frames, *portrait[LATENTS].shape), generator=draws)
            clips.append(clip_of(self._records, actor, first, portrait, noise, noise, motion[number]))
        return ClipBatch.of(clips)

    def _portrait(self, actor: int) -> Mapping[str, Tensor]:
        drawn = self._portraits.of(int(self._records.read(actor, SEED)))
        return {name: drawn[name][0] for name in PORTRAIT}

    def _mood(self, number: int, clip: int) -> int:
        """Of a video's first or second clip: the second moods differ between actors."""
        actor, mood = self._videos[number]
        return (mood + clip * (1 + actor % (len(EXPRESSIONS) - 1))) % len(EXPRESSIONS)

    def _shown(self, clip: Tensor, number: int, shift: int) -> bool:
        half = self._read(clip, number)[len(clip) // 2 :]
        return float((half == self._mood(number, shift)).float().mean()) > 0.5

    def _read(self, clip: Tensor, number: int) -> Tensor:
        actor, _ = self._videos[number]
        if actor not in self._readers:
            seed = int(self._records.read(actor, SEED))
            self._readers[actor] = expression_reader(seed, self._portraits.split, clip.shape[-1])
        return self._readers[actor].read(rearrange(clip, "f c h w -> f h w c"))
