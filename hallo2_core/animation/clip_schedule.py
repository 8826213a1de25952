"""What changes over the time of a video: prompts, region weights, guidance; asked clip by clip."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import torch
from torch import Tensor

from ..timeline.prompts import TextPrompts, TextWindow
from ..timeline.weights import WeightTimeline
from .guidance import Guidance, guidance_over, is_guided
from .sampler_config import SamplerConfig

logger = logging.getLogger("hallo2")

REGIONS = ("pose", "face", "lip")


@dataclass(frozen=True)
class ClipSchedule:
    """The timelines of one video, and the sampler's constants, which hold where no timeline says otherwise."""

    sampler: SamplerConfig
    clip_frames: int
    frames: int  # of the whole video
    fps: Fraction
    text: TextPrompts | None = None
    weights: WeightTimeline | None = None

    def check(self) -> None:
        """Before the long work starts. Errors: a TimelineError where spans overlap, which only the frame rate tells
        where they are in frames and in seconds. What the video does not reach is said in the log."""
        for timeline in (self.text, self.weights):
            if timeline is not None:
                timeline.check(self.fps)
                for note in timeline.without_a_frame(self.frames, self.fps):
                    logger.warning("%s", note)

    @cached_property
    def cond_batch(self) -> int:
        """2 where any frame of the video is guided, for all of it; else 1."""
        highest = self.sampler.guidance
        if self.weights is not None:
            highest = self.weights.largest("cfg", highest, self.frames, self.fps)
        return 2 if is_guided(highest) else 1

    @property
    def clips(self) -> int:
        return -(-self.frames // self.clip_frames)

    def region_weights(self, clip: int) -> Tensor:
        """(3 f) float32: pose, face, lip."""
        return torch.tensor([self._values(clip, name, getattr(self.sampler.weights, name)) for name in REGIONS])

    def guidance(self, clip: int) -> Guidance:
        scales = self._values(clip, "cfg", self.sampler.guidance)
        return guidance_over(scales, self.cond_batch, self.sampler.text_scale)

    def prompts(self, clip: int) -> TextWindow | None:
        """None where no prompt acts on any frame of the clip."""
        return None if self.text is None else self.text.window(clip * self.clip_frames, self.clip_frames, self.fps)

    def _values(self, clip: int, track: str, constant: float) -> tuple[float, ...]:
        if self.weights is None:
            return (constant,) * self.clip_frames
        return self.weights.values(track, constant, clip * self.clip_frames, self.clip_frames, self.fps)
