"""The demo model: a small configuration of the real networks, with weights generated from their names.

It runs every stage of the real pipeline on a CPU, but it is untrained: it draws noise, not faces.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ..config import (
    DEMO_WAV2VEC,
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    UNetConfig,
    VAEConfig,
)
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..models.vae import AutoencoderKL
from .networks import PREFIXES, hallo2_networks, with_fingerprint
from .seeded import fill_with_seeded_weights

DEMO_HALLO2 = Hallo2Config(
    unet=UNetConfig(block_widths=(32, 32, 64, 64), layers_per_block=1, face_token_width=32, audio_token_width=32),
    face_locator=FaceLocatorConfig(block_widths=(8, 16, 16, 32), out_width=32),
    image_projection=ImageProjectionConfig(token_width=32),
    audio_projection=AudioProjectionConfig(
        layers=DEMO_WAV2VEC.layers, feature_width=DEMO_WAV2VEC.width, hidden_width=64, token_width=32, tokens=8
    ),
)
DEMO_VAE = VAEConfig(block_widths=(32, 32, 32, 32), layers_per_block=1)


def demo_hallo2(build: Build | None = None) -> Hallo2Models:
    """The five networks and a VAE, in the build's dtype and on its device."""
    build = build or Build(dtype=torch.float32)
    networks = hallo2_networks(DEMO_HALLO2, replace(build, device="meta"))
    vae = AutoencoderKL(DEMO_VAE, replace(build.wide, device="meta"))
    for name, prefix in PREFIXES.items():
        fill_with_seeded_weights(getattr(networks, name), prefix)
        getattr(networks, name).to(build.device or "cpu")
    fill_with_seeded_weights(vae, "vae.")
    return with_fingerprint(replace(networks, vae=vae.to(build.device or "cpu"), is_demo=True))
