"""Golden cases of whole pipelines: one clip from noise to frames, and a video of consecutive clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from einops import rearrange
from torch import Tensor

from ..animation.animate import animate
from ..animation.clip_state import ClipState, first_state
from ..animation.inputs import AnimationInputs
from ..animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from ..animation.patch_drop import shown_motion_frames
from ..animation.reference_banks import build_reference
from ..animation.sampler_config import RegionWeights, SamplerConfig
from ..checkpoints.text_control import with_text_adapter
from ..models.hallo2_models import Hallo2Models
from ..models.latents import VAECodec, encode_pictures
from ..payloads import Box, Portrait
from ..runtime import Runtime
from .case import Case, Comparison, Settings, Verdict
from .limits import limit_for
from .network_cases import region_masks
from .networks import CaseNetworks
from .zero_adapter import a_prompt, adapter_of


class GoldenDraws:
    """A case's stored random numbers, as a clip's draws."""

    def __init__(self, uniforms: Tensor, latents: Tensor) -> None:
        self._uniforms = uniforms
        self._latents = latents

    def drop_uniforms(self, rows: int, columns: int) -> Tensor:
        return self._uniforms

    def motion_noise(self, shape: torch.Size) -> Tensor:
        raise AssertionError("the goldens have no noise on motion frames")

    def latents(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return rearrange(self._latents, "1 c f h w -> f c h w")

    def legacy_state(self) -> None:
        return None


@dataclass(frozen=True)
class GoldenSpeech:
    """A case's windows, (frames window layers d), instead of a sound and its encoder."""

    audio_windows: Tensor
    fps: Fraction = Fraction(25)

    @property
    def frames(self) -> int:
        return len(self.audio_windows)

    def windows(self, clip_frames: int, runtime: Runtime) -> GoldenSpeech:
        return self

    def clip(self, start_frame: int, frames: int) -> Tensor:
        return self.audio_windows[start_frame : start_frame + frames]


def run_pipeline(case: Case, settings: Settings) -> list[Verdict]:
    """Without patch drop: the motion frames are copies of the portrait."""
    stage = Stage(case, settings, drop_rate=0.0)
    limit, pictures = (limit_for(kind, *settings.dtypes) for kind in ("pipeline", "pictures"))
    comparison = Comparison(case.name)
    draws = GoldenDraws(torch.ones(case.tensors["source_pixels"].shape[-2:]), case.tensors["initial_latents"])
    (made,) = stage.clips(case.tensors["audio_windows"][0], [draws])
    comparison.check("ref_latents", stage.reference_latents(made.motion), case.tensors["ref_latents"], pictures)
    comparison.check("latents_after_step", made.steps, _best(case, "latents_after_step"), limit)
    ends = rearrange(made.frames[[0, -1]], "f h w c -> 1 c f h w")
    comparison.check("video", ends, _best(case, "video_first_and_last_frame"), pictures)
    return [comparison.verdict()]


def run_longvideo(shared: Case, clips: list[Case], settings: Settings) -> list[Verdict]:
    """One verdict per clip; each clip continues from our own frames of the previous one."""
    stage = Stage(shared, settings, float(shared.metadata["mask_rate"]))
    limit, pictures = (limit_for(kind, *settings.dtypes) for kind in ("long_video", "pictures"))
    draws = [GoldenDraws(case.tensors["random_mask"], case.tensors["initial_latents"]) for case in clips]
    verdicts = []
    for case, made in zip(clips, stage.clips(shared.tensors["audio_windows"][0], draws), strict=True):
        comparison = Comparison(case.name)
        comparison.check("motion_frames_masked", made.motion, case.tensors["motion_frames_masked"], pictures)
        comparison.check("ref_latents", stage.reference_latents(made.motion), case.tensors["ref_latents"], pictures)
        comparison.check("latents_after_step", made.steps, case.tensors["latents_after_step"], limit)
        count = case.tensors["video_last_frames"].shape[2]
        last = rearrange(made.frames[-count:], "f h w c -> 1 c f h w")
        comparison.check("video", last, case.tensors["video_last_frames"], pictures)
        verdicts.append(comparison.verdict())
    return verdicts


@dataclass(frozen=True)
class MadeClip:
    motion: Tensor  # (m 3 h w), the motion frames after patch-drop
    steps: Tensor  # (steps 1 4 f h w), the latents after each
    frames: Tensor  # (f h w 3)


class Stage:
    """A case's inputs as the payloads of the public pipeline."""

    def __init__(self, case: Case, settings: Settings, drop_rate: float) -> None:
        self.runtime = settings.runtime
        models: Hallo2Models = CaseNetworks(case, settings).all()
        self.codec = VAECodec(models.vae, self.runtime)
        tensors, metadata = case.tensors, case.metadata
        height, width = tensors["source_pixels"].shape[-2:]
        self.portrait = Portrait(
            tensors["source_pixels"],
            tensors["face_region"],
            region_masks(case),
            tensors["face_embedding"][0],
            Box(0, 0, width, height),
            rearrange(tensors["source_pixels"], "c h w -> h w c") / 2 + 0.5,
        )
        clip = ClipConfig(int(metadata["frames"]), int(metadata["motion_frames"]))
        regions = RegionWeights(*metadata["motion_scale"])
        sampler = SamplerConfig(int(metadata["steps"]), float(metadata["guidance"]), weights=regions)
        reference = build_reference(models, self.portrait, self.codec, self.runtime)
        self.inputs = AnimationInputs(models, reference, MotionSettings(clip, PatchDropConfig(rate=drop_rate)), sampler)
        if settings.zero_adapter:
            attached = with_text_adapter(models, adapter_of(settings, models.config.unet))
            self.inputs = replace(self.inputs, models=attached, text=a_prompt())

    def clips(self, audio_windows: Tensor, draws: list[GoldenDraws]) -> Iterator[MadeClip]:
        """audio_windows: (frames window layers d), for as many clips as there are draws."""
        steps: list[Tensor] = []

        def keep(_clip: int, _done: int, latents: Tensor) -> None:
            steps.append(rearrange(latents, "f c h w -> 1 c f h w"))

        def draws_of(state: ClipState) -> GoldenDraws:
            return draws[state.number]

        state, speech = first_state(self.inputs), GoldenSpeech(audio_windows)
        for clip in animate(self.inputs, speech, self.codec, self.runtime, draws_of=draws_of, after_step=keep):
            motion = shown_motion_frames(state.motion_pixels, self.portrait, self.inputs.motion, draws_of(state))
            yield MadeClip(motion, torch.stack(steps), clip.frames.whole())
            steps.clear()
            state = clip.following

    def reference_latents(self, motion: Tensor) -> Tensor:
        """motion: (m 3 h w).  Returns (1+m 4 h w), the portrait's first."""
        return encode_pictures(self.codec, torch.cat([self.portrait.pixels.unsqueeze(0), motion]))


def _best(case: Case, name: str) -> Tensor:
    """The tensor computed with float32 banks, if the case has it."""
    return case.tensors.get(f"{name}_bank_fp32", case.tensors[name])
