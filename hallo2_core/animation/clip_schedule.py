"""What changes over the course of a video: prompts, region weights, guidance; read clip by clip."""

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
    """The timelines of one video, and the sampler's constants, which apply without a timeline."""

    sampler: SamplerConfig
    clip_frames: int
    frames: int  # of the whole video
    fps: Fraction
    text: TextPrompts | None = None
    weights: WeightTimeline | None = None

    def check(self) -> None:
        """Check before the long work starts. Errors: TimelineError if spans overlap; between spans in frames and in
        seconds this depends on the frame rate. Spans beyond the end of the video are logged."""
        for timeline in (self.text, self.weights):
            if timeline is not None:
                timeline.check(self.fps)
                for note in timeline.without_a_frame(self.frames, self.fps):
                    logger.warning("%s", note)

    @cached_property
    def cond_batch(self) -> int:
        """2 if any frame of the video is guided, for the whole video; else 1."""
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
        """None if no prompt acts on any frame of the clip."""
        return None if self.text is None else self.text.window(clip * self.clip_frames, self.clip_frames, self.fps)

    def _values(self, clip: int, track: str, constant: float) -> tuple[float, ...]:
        if self.weights is None:
            return (constant,) * self.clip_frames
        return self.weights.values(track, constant, clip * self.clip_frames, self.clip_frames, self.fps)
