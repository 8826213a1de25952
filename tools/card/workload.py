"""What is measured: seeded networks of the released size, or the demo's, and everything a clip needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from hallo2_core.animation.acceleration import EXACT, Acceleration
from hallo2_core.animation.animate import animate
from hallo2_core.animation.clip_conditions import ClipConditioner
from hallo2_core.animation.denoise_clip import predict
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import MotionSettings
from hallo2_core.animation.noise_schedule import ddim_step, timesteps
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.checkpoints.small_model import SMALL_HALLO2, SMALL_UPSCALER, SMALL_VAE
from hallo2_core.config import (
    LATENT_CHANNELS,
    PIXELS_PER_LATENT,
    Hallo2Config,
    UpscalerConfig,
    VAEConfig,
)
from hallo2_core.models import casting
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.models.latents import VAECodec, encode_pictures
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime, Runtime
from hallo2_core.selftest.pipeline_cases import GoldenSpeech

from .measure import ROOT, Repeats

FRAMES = 16
FPS = Fraction(25)
CLIP_STEPS = 4
FACES_OF_64_PX = replace(SMALL_UPSCALER, side_px=64, fused_sides=(16, 32))
PORTRAIT = ROOT / "hallo2_core" / "examples" / "portrait.png"


@dataclass(frozen=True)
class Scale:
    """How large everything is."""

    is_full: bool
    config: Hallo2Config
    vae: VAEConfig
    upscaler: UpscalerConfig
    side_px: int
    halves: tuple[torch.dtype, ...]  # what the networks of a clip are measured in
    repeats: Repeats

    @staticmethod
    def of(device: torch.device) -> Scale:
        """The released sizes on a card; on a processor the demo's or less, in the one dtype that is fast there."""
        if device.type == "cpu":
            repeats = Repeats(count=2, seconds=10, warm_up=0)
            return Scale(False, SMALL_HALLO2, SMALL_VAE, FACES_OF_64_PX, 64, (torch.float32,), repeats)
        halves = torch.float16, torch.bfloat16
        return Scale(
            True, Hallo2Config(), VAEConfig(), UpscalerConfig(), 512, halves, Repeats(count=10, seconds=20, warm_up=2)
        )

    @property
    def latent_side(self) -> int:
        return self.side_px // PIXELS_PER_LATENT

    def describe(self) -> str:
        if self.is_full:
            return f"Networks of the released size with seeded weights, {self.side_px}x{self.side_px}, 16 + 2 frames."
        return (
            f"No card here: the demo's networks on the processor, {self.side_px}x{self.side_px}, 16 + 2 frames. These "
            f"figures say that the report works, and nothing about a card."
        )


class Workload:
    """The networks of a clip, drawn once and cast from dtype to dtype, and a step and a clip made with them."""

    def __init__(self, device: torch.device, scale: Scale) -> None:
        self.device = device
        self.scale = scale
        self.runtime: Runtime = LocalRuntime(device)
        self.step_seconds = 0.0  # of the last one measured
        self._models: Hallo2Models | None = None

    def draw(self, dtype: torch.dtype) -> dict[str, float]:
        """Draw the weights, network by network: never more of them in main memory than one. Returns GiB of each."""
        build = Build(casting, dtype=dtype, device="meta")
        models = hallo2_networks(self.scale.config, build)
        models = replace(models, vae=AutoencoderKL(self.scale.vae, build))
        sizes = {}
        for name, prefix in {**PREFIXES, "vae": "vae."}.items():
            network = getattr(models, name)
            fill_with_seeded_weights(network, prefix)
            network.to(self.device)
            sizes[name] = round(sum(x.numel() * x.element_size() for x in network.state_dict().values()) / 2**30, 3)
        self._models = models
        return sizes

    def models(self, dtype: torch.dtype) -> Hallo2Models:
        """In this dtype. Weights that were drawn in another one are cast, which changes no time."""
        if self._models is None:
            raise RuntimeError("there are no weights: their section failed or was left out")
        for network in self._models.networks:
            network.to(dtype)
        return self._models

    def release(self) -> None:
        """Let go of the networks. The runtime holds those it has brought to the device."""
        self._models, self.runtime = None, LocalRuntime(self.device)

    def codec(self, dtype: torch.dtype) -> VAECodec:
        vae = self.models(dtype).vae
        assert isinstance(vae, AutoencoderKL), "drawn with the others"
        return VAECodec(vae, self.runtime)

    def inputs(
        self, dtype: torch.dtype, steps: int = CLIP_STEPS, acceleration: Acceleration = EXACT
    ) -> AnimationInputs:
        side = self.scale.side_px
        portrait = prepare_portrait(load_picture(PORTRAIT), built_in_face_analysis(), side, side)
        models = self.models(dtype)
        reference = build_reference(models, portrait, self.codec(dtype), self.runtime)
        sampler = SamplerConfig(steps=steps, acceleration=acceleration)
        return AnimationInputs(models, reference, MotionSettings(), sampler)

    def speech(self) -> GoldenSpeech:
        """One clip's windows, drawn: the step does not care what is said."""
        audio = self.scale.config.audio_projection
        generator = torch.Generator().manual_seed(0)
        shape = FRAMES, audio.window_frames, audio.layers, audio.feature_width
        return GoldenSpeech(torch.randn(*shape, generator=generator), FPS)

    @torch.inference_mode()
    def step(self, dtype: torch.dtype) -> tuple[Callable[[], Tensor], torch.nn.Module]:
        """One guided step as the clip loop takes it, without what is computed once a clip; and the denoising UNet."""
        inputs, device = self.inputs(dtype), self.device
        schedule = inputs.schedule(FRAMES, FPS)
        side = self.scale.latent_side
        pixels = inputs.reference.portrait.pixels.unsqueeze(0).repeat(inputs.motion.clip.motion_frames, 1, 1, 1)
        motion = encode_pictures(self.codec(dtype), pixels)
        conditions = ClipConditioner(inputs, schedule, self.runtime).clip(0, motion, self.speech().audio_windows)
        latents = torch.randn(FRAMES, LATENT_CHANNELS, side, side, generator=torch.Generator().manual_seed(0))
        latents = latents.to(device, dtype)
        steps, guidance = 40, schedule.guidance(0)
        timestep = timesteps(steps)[20]
        unet = inputs.models.denoising_unet

        @torch.inference_mode()
        def call() -> Tensor:
            return ddim_step(latents, predict(unet, latents, timestep, conditions, guidance), timestep, steps)

        return call, unet

    def clip(self, inputs: AnimationInputs, dtype: torch.dtype) -> tuple[Tensor, float]:
        """Motion frames encoded, banks, 4 steps, 16 frames decoded to main memory. Returns (f h w 3), and seconds."""
        started = time.monotonic()
        (clip,) = animate(inputs, self.speech(), self.codec(dtype), self.runtime)
        frames = clip.frames.whole()
        return frames, time.monotonic() - started

    def window(self, dtype: torch.dtype) -> tuple[Callable[[], Tensor], VideoRestorer]:
        """A window of aligned faces at fidelity 0.5, from upload to result; and the upscaler."""
        restorer = self.upscaler(dtype)
        side = self.scale.upscaler.side_px
        faces = torch.rand(1, FRAMES, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1

        @torch.inference_mode()
        def call() -> Tensor:
            return restorer(faces.to(self.device, dtype), fidelity=0.5).frames

        return call, restorer

    def upscaler(self, dtype: torch.dtype) -> VideoRestorer:
        restorer = VideoRestorer(self.scale.upscaler, Build(casting, dtype=dtype, device="meta"))
        fill_with_seeded_weights(restorer, "upscaler.")
        return restorer.to(self.device)
