"""Golden cases of whole pipelines: one clip from noise to frames, and a video whose clips feed each other."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import torch
from einops import rearrange
from torch import Tensor

from ..animation.animate import AnimationInputs, ClipLoop
from ..animation.motion_frames import first_motion_frames, next_motion_frames
from ..animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from ..animation.patch_drop import corrupt_motion_frames
from ..animation.reference_banks import build_reference
from ..animation.sampler_config import RegionWeights, SamplerConfig
from ..checkpoints.text_control import with_text_adapter
from ..models.hallo2_models import Hallo2Models
from ..models.latents import VAECodec, decode_frames, encode_pictures
from ..payloads import Box, Portrait
from ..runtime import LocalRuntime
from .case import Case, Comparison, Settings, Verdict
from .limits import limit_for
from .network_cases import region_masks
from .networks import CaseNetworks
from .zero_adapter import a_prompt, adapter_of

FPS = Fraction(25)


class GoldenDraws:
    """Hands out a case's own random numbers."""

    def __init__(self, uniforms: Tensor, latents: Tensor) -> None:
        self._uniforms = uniforms
        self._latents = latents

    def drop_uniforms(self, rows: int, columns: int) -> Tensor:
        return self._uniforms

    def motion_noise(self, shape: torch.Size) -> Tensor:
        raise AssertionError("the goldens have no noise on motion frames")

    def latents(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return rearrange(self._latents, "1 c f h w -> f c h w")


def run_pipeline(case: Case, settings: Settings) -> list[Verdict]:
    """No pixel is dropped here: the motion frames are plain copies of the portrait."""
    stage = Stage(case, settings, drop_rate=0.0, clips=1)
    limit, pictures = (limit_for(kind, settings.dtype) for kind in ("pipeline", "pictures"))
    comparison = Comparison(case.name)
    draws = GoldenDraws(torch.ones(case.tensors["source_pixels"].shape[-2:]), case.tensors["initial_latents"])
    windows = case.tensors["audio_windows"][0]
    made = stage.clip(0, first_motion_frames(stage.portrait, stage.motion), windows, draws)
    references = encode_pictures(stage.codec, torch.cat([stage.portrait.pixels.unsqueeze(0), made.shown]))
    comparison.check("ref_latents", references, case.tensors["ref_latents"], pictures)
    comparison.check("latents_after_step", made.steps, _best(case, "latents_after_step"), limit)
    ends = rearrange(made.frames[[0, -1]], "f h w c -> 1 c f h w")
    comparison.check("video", ends, _best(case, "video_first_and_last_frame"), pictures)
    return [comparison.verdict()]


def run_longvideo(shared: Case, clips: list[Case], settings: Settings) -> list[Verdict]:
    """One verdict a clip; each clip continues from our own frames of the one before."""
    stage = Stage(shared, settings, float(shared.metadata["mask_rate"]), len(clips))
    limit, pictures = (limit_for(kind, settings.dtype) for kind in ("long_video", "pictures"))
    per_clip = stage.motion.clip.frames
    pixels = first_motion_frames(stage.portrait, stage.motion)
    verdicts = []
    for number, case in enumerate(clips):
        comparison = Comparison(case.name)
        draws = GoldenDraws(case.tensors["random_mask"], case.tensors["initial_latents"])
        windows = shared.tensors["audio_windows"][0, number * per_clip : (number + 1) * per_clip]
        made = stage.clip(number, pixels, windows, draws)
        references = encode_pictures(stage.codec, torch.cat([stage.portrait.pixels.unsqueeze(0), made.shown]))
        comparison.check("motion_frames_masked", made.shown, case.tensors["motion_frames_masked"], pictures)
        comparison.check("ref_latents", references, case.tensors["ref_latents"], pictures)
        comparison.check("latents_after_step", made.steps, case.tensors["latents_after_step"], limit)
        count = case.tensors["video_last_frames"].shape[2]
        last = rearrange(made.frames[-count:], "f h w c -> 1 c f h w")
        comparison.check("video", last, case.tensors["video_last_frames"], pictures)
        verdicts.append(comparison.verdict())
        pixels = next_motion_frames(made.frames, stage.motion.clip.motion_frames)
    return verdicts


class MadeClip:
    def __init__(self, shown: Tensor, steps: Tensor, frames: Tensor) -> None:
        self.shown = shown  # (m 3 h w), the motion frames after the drop
        self.steps = steps  # (steps 1 4 f h w)
        self.frames = frames  # (f h w 3)


class Stage:
    """A case's inputs as the payloads of the public pipeline, and its clip loop."""

    def __init__(self, case: Case, settings: Settings, drop_rate: float, clips: int) -> None:
        self.runtime = LocalRuntime(settings.device)
        models: Hallo2Models = CaseNetworks(case, settings).all()
        self.codec = VAECodec(models.vae, self.runtime)
        given, told = case.tensors, case.metadata
        height, width = given["source_pixels"].shape[-2:]
        self.portrait = Portrait(
            given["source_pixels"],
            given["face_region"],
            region_masks(case),
            given["face_embedding"][0],
            Box(0, 0, width, height),
            rearrange(given["source_pixels"], "c h w -> h w c") / 2 + 0.5,
        )
        self.motion = MotionSettings(
            ClipConfig(int(told["frames"]), int(told["motion_frames"])), PatchDropConfig(rate=drop_rate)
        )
        sampler = SamplerConfig(
            int(told["steps"]), float(told["guidance"]), weights=RegionWeights(*told["motion_scale"])
        )
        reference = build_reference(models, self.portrait, self.codec, self.runtime)
        inputs = AnimationInputs(models, reference, self.motion, sampler)
        if settings.zero_adapter:
            attached = with_text_adapter(models, adapter_of(settings, models.config.unet))
            inputs = replace(inputs, models=attached, text=a_prompt())
        schedule = inputs.schedule(clips * self.motion.clip.frames, FPS)
        self.loop = ClipLoop(inputs, schedule, self.codec, self.runtime)

    def clip(self, number: int, motion_pixels: Tensor, windows: Tensor, draws: GoldenDraws) -> MadeClip:
        loop = self.loop
        shown = corrupt_motion_frames(motion_pixels, self.portrait.face_region, self.motion.patch_drop, draws)
        conditions = loop.conditions(number, encode_pictures(self.codec, shown), windows)
        noise = draws.latents((), loop.dtype).to(self.runtime.device, loop.dtype)
        steps = list(loop.steps(number, noise, conditions))
        frames = torch.stack(list(decode_frames(self.codec, steps[-1])))
        return MadeClip(
            shown,
            torch.stack([rearrange(latents, "f c h w -> 1 c f h w") for latents in steps]),
            rearrange(frames, "f c h w -> f h w c").float().cpu(),
        )


def _best(case: Case, name: str) -> Tensor:
    """The tensor made with float32 banks, where a case has it."""
    return case.tensors.get(f"{name}_bank_fp32", case.tensors[name])
