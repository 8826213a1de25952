"""Small configurations of the real networks, with weights generated from their names: every stage runs in seconds.

They draw noise. Tests of what a user sees use the demo model, whose weights are trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks, with_fingerprint
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.checkpoints.text_control import PREFIX as ADAPTER_PREFIX
from hallo2_core.checkpoints.upscaler import PREFIX as UPSCALER_PREFIX
from hallo2_core.config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    TextControlConfig,
    UNetConfig,
    UpscalerConfig,
    VAEConfig,
    Wav2VecConfig,
)
from hallo2_core.models.fingerprint import weights_fingerprint
from hallo2_core.models.hallo2_models import Hallo2Models, TextAdapter
from hallo2_core.models.layers import Build
from hallo2_core.models.text_control import TextControl
from hallo2_core.models.upscaler.upscaler import Upscaler
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.models.wav2vec import SpeechEncoder

SEEDED_WAV2VEC = Wav2VecConfig(
    width=32,
    layers=4,
    heads=4,
    feed_forward_width=64,
    conv_widths=(16,) * 7,
    position_kernel=16,
    position_groups=4,
)
SEEDED_HALLO2 = Hallo2Config(
    unet=UNetConfig(block_widths=(32, 32, 64, 64), layers_per_block=1, face_token_width=32, audio_token_width=32),
    face_locator=FaceLocatorConfig(block_widths=(8, 16, 16, 32), out_width=32),
    image_projection=ImageProjectionConfig(token_width=32),
    audio_projection=AudioProjectionConfig(
        layers=SEEDED_WAV2VEC.layers, feature_width=SEEDED_WAV2VEC.width, hidden_width=64, token_width=32, tokens=8
    ),
)
SEEDED_VAE = VAEConfig(block_widths=(32, 32, 32, 32), layers_per_block=1)
SEEDED_UPSCALER = UpscalerConfig(
    side_px=64,
    widths=(32, 32, 32, 64),
    blocks_per_level=1,
    codes=64,
    code_width=32,
    token_width=64,
    feed_forward_width=128,
    alignment_layers=2,
    fused_sides=(16, 32),
    latent_widths=(32,),
)
FULL_PRECISION = Build(dtype=torch.float32)


def seeded_hallo2(build: Build = FULL_PRECISION) -> Hallo2Models:
    """The five networks and a VAE, in the build's dtype and on its device."""
    networks = hallo2_networks(SEEDED_HALLO2, replace(build, device="meta"))
    vae = AutoencoderKL(SEEDED_VAE, replace(build.wide, device="meta"))
    for name, prefix in PREFIXES.items():
        fill_with_seeded_weights(getattr(networks, name), prefix)
        getattr(networks, name).to(build.device or "cpu")
    fill_with_seeded_weights(vae, "vae.")
    return with_fingerprint(replace(networks, vae=vae.to(build.device or "cpu")))


def seeded_speech_encoder() -> SpeechEncoder:
    encoder = SpeechEncoder(SEEDED_WAV2VEC, device="meta")
    fill_with_seeded_weights(encoder, prefix="")  # its keys already start with the prefix, `wav2vec.`
    return encoder


def seeded_upscaler(build: Build = FULL_PRECISION) -> Upscaler:
    restorer = VideoRestorer(SEEDED_UPSCALER, replace(build, device="meta"))
    fill_with_seeded_weights(restorer, UPSCALER_PREFIX)
    restorer.to(build.device or "cpu")
    return Upscaler(restorer, weights_fingerprint({UPSCALER_PREFIX: restorer}))


def seeded_text_adapter(unet: UNetConfig, build: Build = FULL_PRECISION) -> TextAdapter:
    """An adapter that fits this UNet and shifts its features at random."""
    control = TextControl(TextControlConfig.fitting(unet), replace(build, device="meta"))
    fill_with_seeded_weights(control, ADAPTER_PREFIX)
    control.requires_grad_(False).to(build.device or "cpu")
    return TextAdapter(control, weights_fingerprint({ADAPTER_PREFIX: control}))


class SeededTextEncoder:
    """Each word has its own random vector, the same on every run; a prompt is the sum of its words' vectors."""

    fingerprint = "seeded"
    is_demo = False

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(n d) float32, numbers of unit scale."""
        return torch.stack([_embedding(text.casefold().split()) for text in texts])


def _embedding(words: Sequence[str]) -> Tensor:
    return torch.stack([_word(word) for word in words]).sum(dim=0) / len(words) ** 0.5


def _word(word: str) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)
    return torch.randn(TextControlConfig().text_width, generator=torch.Generator().manual_seed(seed))
