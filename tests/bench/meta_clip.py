"""A clip on torch's meta device, which computes shapes only: to count operations and bytes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from hallo2_core.animation.denoise_clip import predict  # noqa: E402
from hallo2_core.animation.guidance import Guidance  # noqa: E402
from hallo2_core.animation.noise_schedule import ddim_step  # noqa: E402
from hallo2_core.animation.reference_banks import (  # noqa: E402
    face_tokens,
    motion_banks,
    portrait_banks,
    reference_rows,
)
from hallo2_core.checkpoints.networks import hallo2_networks  # noqa: E402
from hallo2_core.config import LATENT_CHANNELS, PIXELS_PER_LATENT, Hallo2Config, VAEConfig  # noqa: E402
from hallo2_core.models import casting  # noqa: E402
from hallo2_core.models.attention_function import AttentionFunction, sdpa  # noqa: E402
from hallo2_core.models.conditions import ClipConditions, PortraitConditions  # noqa: E402
from hallo2_core.models.layers import Build  # noqa: E402
from hallo2_core.models.vae import AutoencoderKL  # noqa: E402
from hallo2_core.payloads import ReferenceBanks, RegionMasks  # noqa: E402

FRAMES, MOTION_FRAMES, STEPS = 16, 2, 40
TIMESTEP = 499


@dataclass(frozen=True)
class MetaClip:
    """The stages of a guided video of side × side pixels in fp16, each to be counted alone. weights: their dtype."""

    side_px: int = 512
    attention: AttentionFunction = sdpa
    weights: torch.dtype = torch.float16
    config: Hallo2Config = Hallo2Config()
    vae_config: VAEConfig = VAEConfig()

    def __post_init__(self) -> None:
        build = Build(casting, self.attention, self.weights, "meta", torch.float16)
        object.__setattr__(self, "build", build)
        object.__setattr__(self, "models", hallo2_networks(self.config, build))
        object.__setattr__(self, "vae", AutoencoderKL(self.vae_config, build.wide))

    @property
    def latent_side(self) -> int:
        return self.side_px // PIXELS_PER_LATENT

    def encode(self, pictures: int) -> Tensor:
        """Returns (m 4 h w)."""
        return torch.cat([self.vae.encode(drawn(1, 3, self.side_px, self.side_px)) for _ in range(pictures)])

    def decode(self) -> None:
        for _ in range(FRAMES):
            self.vae.decode(self.latents(1))

    def portrait(self) -> tuple[PortraitConditions, Tensor]:
        """Once a video: its conditions, and the face tokens."""
        return self.portrait_conditions(*self.reference(self.encode(1)))

    def reference(self, latents: Tensor) -> tuple[ReferenceBanks, Tensor, Tensor]:
        """The portrait's banks, the face tokens, the face map."""
        models = self.models
        tokens = face_tokens(models.image_projection, drawn(models.image_projection.embedding_width))
        face_map = models.face_locator(drawn(1, 3, self.side_px, self.side_px))
        return portrait_banks(models.reference_net, latents, tokens), tokens, face_map

    def portrait_conditions(
        self, banks: ReferenceBanks, tokens: Tensor, face_map: Tensor
    ) -> tuple[PortraitConditions, Tensor]:
        """As `portrait`."""
        unet = self.models.denoising_unet
        levels = range(len(self.models.config.unet.block_widths))
        mask = tuple(drawn((self.latent_side >> level) ** 2) for level in levels)
        return unet.portrait_conditions(banks, tokens, face_map, RegionMasks(mask, mask, mask)), tokens

    def clip(self, portrait: PortraitConditions, tokens: Tensor) -> ClipConditions:
        """Once a clip."""
        return self.clip_conditions(portrait, *self.motion_and_speech(self.encode(MOTION_FRAMES), tokens))

    def motion_and_speech(self, latents: Tensor, tokens: Tensor) -> tuple[ReferenceBanks, Tensor]:
        """The motion frames' banks, and the audio tokens."""
        models, audio = self.models, self.models.config.audio_projection
        windows = drawn(FRAMES, audio.window_frames, audio.layers, audio.feature_width)
        return motion_banks(models.reference_net, latents, tokens), models.audio_projection(windows)

    def clip_conditions(
        self, portrait: PortraitConditions, banks: ReferenceBanks, audio_tokens: Tensor
    ) -> ClipConditions:
        rows = reference_rows(FRAMES, cond_batch=2)
        return self.models.denoising_unet.clip_conditions(portrait, banks, audio_tokens, drawn(3, FRAMES), rows)

    def step(self, conditions: ClipConditions) -> Tensor:
        latents = self.latents(FRAMES)
        prediction = predict(self.models.denoising_unet, latents, TIMESTEP, conditions, Guidance(3.5, cond_batch=2))
        return ddim_step(latents, prediction, TIMESTEP, STEPS)

    def latents(self, frames: int) -> Tensor:
        return drawn(frames, LATENT_CHANNELS, self.latent_side, self.latent_side)


def drawn(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float16, device="meta")
