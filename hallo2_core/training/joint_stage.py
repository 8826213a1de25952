"""Joint training of the small model: appearance, motion and speech at once, from clips of talking cartoons.

The paper trains in two stages, because its networks start from a picture model of 860 million weights. A small model
needs no first stage on single frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from ..animation.motion_settings import PatchDropConfig
from ..animation.noise_schedule import TRAINING_STEPS
from ..animation.patch_drop import corrupt_motion_frames
from ..animation.randomness import SeededDraws
from ..animation.sampler_config import SamplerConfig
from ..audio.speech_embeddings import WINDOW_REACH
from ..config import PIXELS_PER_LATENT
from ..errors import SettingsError
from .clip_batch import ClipBatch
from .clip_records import (
    FACE_BOX,
    FEATURES,
    FRAMES,
    LATENTS,
    MASKS,
    face_region_of,
    identity_of,
    mask_levels,
    speech_windows,
)
from .draws import sample_generator, sample_seed
from .joint_objective import JointObjective, ObjectiveSettings
from .records import RecordShards
from .sampled_clips import SampledClips, SamplingSettings
from .vae_stage import pixels_of

GOLDEN_RATIO = (5**0.5 - 1) / 2
CORRUPTION = PatchDropConfig(rate=0.25, patch_px=1, noise_as_trained=True)  # as the release trains


@dataclass(frozen=True)
class ClipSettings:
    """How clips are drawn; the same for the small model and for stage 2 of the released one."""

    clips: str  # a folder of shards, as `clip_records` makes them, or a TOML file of several data sets
    validation_clips: str
    vae: str  # the file that encoded the clips' latents
    crop_px: int = 0  # side of the part of the picture that is learned from; 0: all of it
    lip_crop_ratio: float = 0.5  # of the parts that hold the lips; the others lie anywhere
    frames: int = 14  # of a clip
    motion_frames: int = 2
    uncond_ratio: float = 0.1  # of the clips without portrait, face region and speech
    uncond_image_ratio: float = 0.0  # of the clips with speech but no portrait and face region
    uncond_audio_ratio: float = 0.0  # of the clips with portrait and face region but no speech
    portrait_motion_ratio: float = 0.30  # of the clips that follow the portrait, like a video's first
    start_ratio: float = 0.15  # of the clips with nothing before them
    validation_samples: int = 32  # clips of which the loss is computed at validation
    validation_batch_size: int = 8
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)  # at validation
    video: SamplingSettings = field(default_factory=lambda: SamplingSettings(clips=1, steps=20))  # see sample_video


@dataclass(frozen=True)
class JointStageSettings(ClipSettings):
    weights: str = ""  # a file to begin with; "" begins afresh


@dataclass(frozen=True)
class _Clip:
    latents: Tensor
    noise: Tensor
    timestep: int
    reference: Tensor
    motion_pixels: Tensor
    face_region: Tensor
    masks: tuple[Tensor, ...]
    windows: Tensor
    identity: Tensor
    sees: bool
    hears: bool

    def cropped(self, side_px: int, around_lips: bool, draws: torch.Generator) -> _Clip:
        """A square of the picture, at random: scales stay as they are, and most of the work is saved."""
        side, height = side_px // PIXELS_PER_LATENT, self.latents.shape[-1]
        masks = rearrange(self.masks[0], "r (h w) -> r h w", h=height)
        lips = masks[2] if around_lips else torch.zeros_like(masks[2])
        rows, columns = (lips.sum(dim=axis) for axis in (1, 0))
        top, left = (_corner(weights, side, draws) for weights in (rows, columns))

        def cut(x: Tensor, scale: int = 1) -> Tensor:
            return x[..., top * scale : (top + side) * scale, left * scale : (left + side) * scale]

        levels = [F.avg_pool2d(cut(masks), 1 << level) for level in range(len(self.masks))]
        return replace(
            self,
            latents=cut(self.latents),
            noise=cut(self.noise),
            reference=cut(self.reference),
            motion_pixels=cut(self.motion_pixels, PIXELS_PER_LATENT),
            face_region=cut(self.face_region, PIXELS_PER_LATENT),
            masks=tuple(rearrange(level, "r h w -> r (h w)") for level in levels),
        )


def _corner(weights: Tensor, side: int, draws: torch.Generator) -> int:
    """The first row of a window of `side` rows that holds the middle of the weights, or of any where they are zeros."""
    if not weights.any():
        return int(torch.randint(len(weights) - side + 1, (), generator=draws))
    middle = int((weights * torch.arange(len(weights))).sum() / weights.sum())
    low, high = max(middle - side + 2, 0), min(middle - 1, len(weights) - side)
    return low + int(torch.randint(max(high - low, 0) + 1, (), generator=draws))


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
        return _batch([self._sample(self._clips, number, self._seed) for number in numbers])

    def _sample(self, records: RecordShards, number: int, seed: int) -> _Clip:
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
        portrait = draw(length)
        latents = records.read(record, LATENTS, slice(first, first + settings.frames)).float()
        features = records.read(record, FEATURES).float()
        if not (latents.isfinite().all() and features.isfinite().all()):
            raise SettingsError(
                f"Clip {record} has values that are not numbers, so it cannot be learned from. Delete its shard and "
                f"make it again with 'hallo2 prepare clips'."
            )
        noise = torch.randn(latents.shape, generator=draws)
        timestep = spread_timestep(number)
        before = self._before(records, record, first, portrait, chance())
        region = face_region_of(records.read(record, FACE_BOX, portrait), before.shape[-1])
        clip_draws = SeededDraws(SamplerConfig(), CORRUPTION, sample_seed(seed, number, "motion"))
        sees, hears = self._given(chance())
        clip = _Clip(
            latents=latents,
            noise=noise,
            timestep=timestep,
            reference=records.read(record, LATENTS, portrait).float(),
            motion_pixels=before if not before.any() else corrupt_motion_frames(before, region, CORRUPTION, clip_draws),
            face_region=region,
            masks=mask_levels(records.read(record, MASKS, portrait), before.shape[-1]),
            windows=speech_windows(features, first, settings.frames, WINDOW_REACH),
            identity=identity_of(records, record),
            sees=sees,
            hears=hears,
        )
        return clip.cropped(settings.crop_px, chance() < settings.lip_crop_ratio, draws) if settings.crop_px else clip

    def _given(self, chance: float) -> tuple[bool, bool]:
        """Whether the clip has portrait and face region, and speech."""
        nothing = self._settings.uncond_ratio
        no_image = nothing + self._settings.uncond_image_ratio
        no_audio = no_image + self._settings.uncond_audio_ratio
        return chance >= no_image, nothing <= chance < no_image or chance >= no_audio

    def _before(self, records: RecordShards, record: int, first: int, portrait: int, chance: float) -> Tensor:
        """(m 3 H W), -1..1: the frames before the clip. Zeros, which are not noised, for none."""
        settings = self._settings
        count = settings.motion_frames
        if chance < settings.start_ratio:
            return torch.zeros(count, *records.read(record, FRAMES, portrait).shape)
        if chance < settings.start_ratio + settings.portrait_motion_ratio:
            return repeat(pixels_of(records.read(record, FRAMES, portrait)), "c h w -> m c h w", m=count)
        return pixels_of(records.read(record, FRAMES, slice(first - count, first)))

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
            batch = _batch([self._sample(self._held_back, number, self._seed + 1) for number in numbers])
            total += float(self.network(batch.to(device))["loss"]) * len(numbers)
        figures = {"loss": total / clips}
        if self._settings.sampling.clips:
            self._sampled = self._sampled or SampledClips(
                self._held_back, "held_back", self._settings.sampling, self._settings.motion_frames
            )
            figures |= self._sampled.figures(self.network)
        return figures

    def sample_video(self) -> Tensor:
        """(f 3 h w), 0..1: clips of held-back records, side by side, from their portraits and sounds."""
        sampled = SampledClips(self._held_back, "held_back", self._settings.video, self._settings.motion_frames)
        return torch.cat(sampled.frames(self.network), dim=-1)


def spread_timestep(number: int) -> int:
    """0..TRAINING_STEPS - 1: any few samples in a row have timesteps that are spread evenly, as multiples of the golden
    ratio are. The loss depends mostly on the timestep, so a batch's mean varies less than with independent draws."""
    return int(TRAINING_STEPS * (number * GOLDEN_RATIO % 1.0))


def _batch(clips: Sequence[_Clip]) -> ClipBatch:
    ordered = sorted(clips, key=lambda clip: clip.sees)
    return ClipBatch(
        latents=torch.stack([clip.latents for clip in ordered]),
        noise=torch.stack([clip.noise for clip in ordered]),
        timesteps=torch.tensor([clip.timestep for clip in ordered]),
        reference=torch.stack([clip.reference for clip in ordered]),
        motion_pixels=torch.stack([clip.motion_pixels for clip in ordered]),
        face_region=torch.stack([clip.face_region for clip in ordered]),
        masks=tuple(torch.stack(level, dim=1) for level in zip(*(clip.masks for clip in ordered), strict=True)),
        windows=torch.stack([clip.windows for clip in ordered]),
        seeing=sum(clip.sees for clip in ordered),
        identity=torch.stack([clip.identity for clip in ordered]),
        heard=torch.tensor([float(clip.hears) for clip in ordered]),
    )
