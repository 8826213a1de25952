"""Joint training of the small model: appearance, motion and speech at once, from clips of talking cartoons.

The paper trains in two stages, because its networks start from a picture model of 860 million weights. A small model
needs no first stage on single frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ..errors import SettingsError
from .clip_batch import Clip, ClipBatch
from .clip_reading import clip_of, portrait_of
from .clip_records import FRAMES, LATENTS
from .denoiser_objective import ObjectiveSettings
from .draws import sample_generator, spread_timestep
from .joint_objective import JointObjective
from .motion_before import corrupted, motion_before
from .records import RecordShards
from .sampled_clips import SampledClips, SamplingSettings


@dataclass(frozen=True)
class ClipSettings:
    """How clips are drawn; the same for the small model and for stage 2 of the released one."""

    clips: str  # a folder of shards, as `clip_records` makes them, or a TOML file of several data sets
    validation_clips: str
    vae: str  # the file that encoded the clips' latents
    frames: int = 14  # of a clip
    motion_frames: int = 2
    uncond_ratio: float = 0.1  # of the clips without portrait, face region and speech
    uncond_image_ratio: float = 0.0  # of the clips with speech but no portrait and face region
    uncond_audio_ratio: float = 0.0  # of the clips with portrait and face region but no speech
    portrait_motion_ratio: float = 0.30  # of the clips that follow the portrait, like a video's first
    start_ratio: float = 0.15  # of the clips with nothing before them
    corrupt_motion_frames: bool = True  # by patch-drop and noise, as the release trains
    validation_samples: int = 32  # clips of which the loss is computed at validation
    validation_batch_size: int = 8
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)  # at validation
    video: SamplingSettings = field(default_factory=lambda: SamplingSettings(clips=1, steps=20))  # see sample_video


@dataclass(frozen=True)
class JointStageSettings(ClipSettings):
    weights: str = ""  # a file to begin with; "" starts from scratch


class JointStage:
    name = "joint"

    def __init__(self, network: JointObjective, settings: ClipSettings, clips: RecordShards, held_back: RecordShards,
                 seed: int) -> None:  # fmt: skip
        self.network = network
        self._settings = settings
        self._clips = clips
        self._held_back = held_back
        self._seed = seed
        self._sampled: SampledClips | None = None

    def batch(self, numbers: Sequence[int]) -> ClipBatch:
        return ClipBatch.of([self.sample(number) for number in numbers])

    def sample(self, number: int) -> Clip:
        return self._sample(self._clips, number, self._seed)

    def held_back_sample(self, number: int) -> Clip:
        return self._sample(self._held_back, number, self._seed + 1)

    def _sample(self, records: RecordShards, number: int, seed: int) -> Clip:
        settings = self._settings
        draws = sample_generator(seed, number, "joint")

        def draw(limit: int) -> int:
            return int(torch.randint(limit, (), generator=draws))

        def chance() -> float:
            return float(torch.rand((), generator=draws))

        record = draw(len(records))
        length = records.rows(record, LATENTS)
        if length < settings.frames + settings.motion_frames:
            raise SettingsError(
                f"Clip {record} has {length} frames; a sample takes {settings.frames} and {settings.motion_frames} "
                "before them. Lower 'frames', or prepare longer clips."
            )
        first = settings.motion_frames + draw(length - settings.frames - settings.motion_frames + 1)
        portrait = portrait_of(records, record, draw(length))
        latents = records.read(record, LATENTS, slice(first, first + settings.frames)).float()
        noise = torch.randn(latents.shape, generator=draws)
        before = motion_before(records, record, first, portrait[FRAMES], chance(), settings)
        sees, hears = self._given(chance())
        clip = clip_of(records, record, first, portrait, latents, noise, before)
        if not (clip.latents.isfinite().all() and clip.windows.isfinite().all()):
            raise SettingsError(
                f"Clip {record} has NaN or infinite values, so it cannot be used for training. Delete its shard and "
                f"prepare it again."
            )
        motion = corrupted(before, clip.face_region, seed, number) if settings.corrupt_motion_frames else before
        return replace(clip, motion_pixels=motion, timestep=spread_timestep(number), sees=sees, hears=hears)

    def _given(self, chance: float) -> tuple[bool, bool]:
        """Whether the clip has portrait and face region, and speech."""
        nothing = self._settings.uncond_ratio
        no_image = nothing + self._settings.uncond_image_ratio
        no_audio = no_image + self._settings.uncond_audio_ratio
        return chance >= no_image, nothing <= chance < no_image or chance >= no_audio

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return not name.startswith(("denoising_unet.conv_in", "denoising_unet.conv_out", "reference_net.conv_in"))

    def validate(self) -> Mapping[str, float]:
        """The loss on held-back clips, always the same ones with the same noise, and the figures of clips sampled for
        held-back actors and voices."""
        device = next(self.network.parameters()).device
        clips, at_once = self._settings.validation_samples, self._settings.validation_batch_size
        total = 0.0
        for first in range(0, clips, at_once):
            numbers = range(first, min(first + at_once, clips))
            batch = ClipBatch.of([self.held_back_sample(number) for number in numbers])
            total += float(self.network(batch.to(device))["loss"]) * len(numbers)
        figures = {"loss": total / clips}
        return figures | self.sampled_figures()

    def sampled_figures(self) -> Mapping[str, float]:
        """Of clips sampled for held-back actors and voices; none if the settings sample none."""
        if not self._settings.sampling.clips:
            return {}
        self._sampled = self._sampled or SampledClips(
            self._held_back, "held_back", self._settings.sampling, self._settings.motion_frames
        )
        return self._sampled.figures(self.network)

    def sample_video(self) -> Tensor:
        """(f 3 h w), 0..1: clips of held-back records, side by side, from their portraits and sounds."""
        sampled = SampledClips(self._held_back, "held_back", self._settings.video, self._settings.motion_frames)
        return torch.cat(sampled.frames(self.network), dim=-1)
