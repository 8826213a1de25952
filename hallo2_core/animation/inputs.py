"""The inputs of the clip loop, except the speech and the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..models.hallo2_models import Hallo2Models
from ..payloads import Reference
from ..timeline.prompts import TextPrompts
from ..timeline.weights import WeightTimeline
from .clip_schedule import ClipSchedule
from .motion_settings import MotionSettings
from .sampler_config import SamplerConfig


@dataclass(frozen=True)
class AnimationInputs:
    """The portrait, the networks and the settings."""

    models: Hallo2Models
    reference: Reference
    motion: MotionSettings
    sampler: SamplerConfig
    text: TextPrompts | None = None
    weights: WeightTimeline | None = None

    def schedule(self, frames: int, fps: Fraction) -> ClipSchedule:
        """The timelines for a video of this many frames."""
        return ClipSchedule(self.sampler, self.motion.clip.frames, frames, fps, self.text, self.weights)
