"""Videos of held-back actors, made by the pack's own pipeline, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from hallo2_core.animation.acceleration import EXACT, Acceleration
from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import INDEPENDENT, SamplerConfig
from hallo2_core.animation.steady import SteadyConfig, SteadyFrames
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.models.latents import VAECodec
from hallo2_core.payloads import Portrait
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.timeline.prompts import TextPrompts
from hallo2_core.training.cartoons import Actor, Performance, Tracks, Truth, draw, measure, performance
from hallo2_core.training.small_networks import small_hallo2, small_speech_encoder, small_vae

SPLIT = "held_back"
PORTRAIT_PX = 512
AT_ONCE = 16


@dataclass(frozen=True)
class Settings:
    size_px: int = 128
    clip_frames: int = 16
    motion_frames: int = 2
    steps: int = 10
    guidance: float = 1.5
    patch_drop: PatchDropConfig = PatchDropConfig(noise_as_trained=True)
    acceleration: Acceleration = EXACT
    clip_noise: str = INDEPENDENT  # as in the original
    steady_levels: float = 0.0  # likewise


@dataclass(frozen=True)
class Clip:
    """Frames are (f h w 3), 0..1."""

    seed: int
    played: Performance
    true: Tensor
    decoded: Tensor  # the true frames through the VAE
    made: Tensor
    sampled: Tensor  # the made frames before their shimmer was held back
    portrait: Tensor  # (h w 3)

    @cached_property
    def truth(self) -> Truth:
        return measure(Actor.from_seed(self.seed, SPLIT), self.played.tracks, self.true.shape[1])

    @property
    def kinds(self) -> tuple[Tensor, Tensor, Tensor]:
        """Made, true, and true through the VAE: whatever is measured is measured of each."""
        return self.made, self.true, self.decoded


def steadied(frames: Tensor, levels: float) -> Tensor:
    """frames: (f h w 3), 0..1, of a whole video.  Returns the same with shimmer held back, as in its file."""
    return torch.stack(list(map(SteadyFrames(SteadyConfig(levels), None).next, frames)))


class SmallPipeline:
    """The small model in the pack's clip loop."""

    def __init__(self, joint: Path, vae: Path, speech: Path, settings: Settings) -> None:
        self.settings = settings
        self.runtime = LocalRuntime("cpu")
        self.models: Hallo2Models = small_hallo2(str(joint))
        self.vae = small_vae(str(vae)).requires_grad_(False)
        self._encoder = small_speech_encoder(str(speech))
        self._codec = VAECodec(self.vae, self.runtime)
        self._faces = built_in_face_analysis()

    def portrait(self, seed: int, played: Performance, is_neutral: bool = False) -> Portrait:
        """A drawing of the actor as the performance begins; is_neutral: with a neutral face."""
        begin = played.tracks[0:1]
        if is_neutral:
            begin = replace(begin, expression=Tracks.still().expression)
        picture = draw(Actor.from_seed(seed, SPLIT), begin, PORTRAIT_PX)
        side = self.settings.size_px
        return prepare_portrait(picture, self._faces, side, side, crop="none", whole_picture=True)

    def talk(
        self,
        portrait: Portrait,
        samples: Tensor,
        text: TextPrompts | None = None,
        models: Hallo2Models | None = None,
        patch_drop: PatchDropConfig | None = None,
    ) -> Iterator[Tensor]:
        """samples: (t) at 16 kHz.  Yields clips (f h w 3), 0..1, as they are sampled."""
        models = models or self.models
        settings = self.settings
        inputs = AnimationInputs(
            models,
            build_reference(models, portrait, self._codec, self.runtime),
            MotionSettings(ClipConfig(settings.clip_frames, settings.motion_frames), patch_drop or settings.patch_drop),
            SamplerConfig(
                settings.steps,
                settings.guidance,
                acceleration=settings.acceleration,
                clip_noise=settings.clip_noise,
            ),
            text,
        )
        speech = encode_speech(TensorAudio(samples.unsqueeze(0), 16_000), self._encoder, Fraction(25))
        for clip in animate(inputs, speech, self._codec, self.runtime):
            yield clip.frames.whole()

    @torch.inference_mode()
    def through_vae(self, frames: Tensor) -> Tensor:
        """frames: (f h w 3), 0..1."""
        pixels = rearrange(frames, "f h w c -> f c h w") * 2 - 1
        decoded = torch.cat([self.vae.decode(self.vae.encode(some)) for some in pixels.split(AT_ONCE)])
        return rearrange((decoded / 2 + 0.5).clamp(0, 1), "f c h w -> f h w c")

    def clip(self, seed: int, seconds: float) -> Clip:
        """One actor with the voice and sentences of the same seed."""
        return self.clip_of(seed, *self.played(seed, seconds))

    def played(self, seed: int, seconds: float) -> tuple[Performance, Portrait]:
        """What the actor of this seed says, and the portrait."""
        played = performance(seed, SPLIT, seconds)
        return played, self.portrait(seed, played)

    def clip_of(
        self,
        seed: int,
        played: Performance,
        portrait: Portrait,
        text: TextPrompts | None = None,
        models: Hallo2Models | None = None,
    ) -> Clip:
        true = draw(Actor.from_seed(seed, SPLIT), played.tracks, self.settings.size_px)
        sampled = torch.cat(list(self.talk(portrait, played.samples, text, models)))
        made = steadied(sampled, self.settings.steady_levels)
        pixels = rearrange(portrait.pixels, "c h w -> h w c") / 2 + 0.5
        return Clip(seed, played, true, self.through_vae(true), made, sampled, pixels)
