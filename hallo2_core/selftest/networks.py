"""The networks of a golden case: its configuration, our public builders, the seeded weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..checkpoints.seeded import fill_with_seeded_weights
from ..config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    UNetConfig,
    VAEConfig,
)
from ..models.audio_projection import AudioProjection
from ..models.denoising_unet import DenoisingUNet
from ..models.face_locator import FaceLocator
from ..models.hallo2_models import Hallo2Models
from ..models.image_projection import ImageProjection
from ..models.layers import Build
from ..models.reference_net import ReferenceNet
from ..models.vae import AutoencoderKL
from .case import Case, Settings


class CaseNetworks:
    """Builds a case's networks one by one, on demand: a full-size case holds only what it runs."""

    def __init__(self, case: Case, settings: Settings, config_file: str = "config.json") -> None:
        self._raw = case.beside(config_file)
        self._salt = case.salt
        self._settings = settings
        self.config = hallo2_config(self._raw)

    def reference_net(self) -> ReferenceNet:
        return self._seeded(ReferenceNet(self.config.unet, self._build), "reference_unet.")

    def denoising_unet(self) -> DenoisingUNet:
        return self._seeded(DenoisingUNet(self.config.unet, self._build), "denoising_unet.")

    def face_locator(self) -> FaceLocator:
        return self._seeded(FaceLocator(self.config.face_locator, self._build.wide), "face_locator.")

    def image_projection(self) -> ImageProjection:
        return self._seeded(ImageProjection(self.config.image_projection, self._build.wide), "imageproj.")

    def audio_projection(self) -> AudioProjection:
        return self._seeded(AudioProjection(self.config.audio_projection, self._build.wide), "audioproj.")

    def vae(self) -> AutoencoderKL:
        return self._seeded(AutoencoderKL(vae_config(self._raw["vae"]), self._build.wide), "vae.")

    def all(self) -> Hallo2Models:
        return Hallo2Models(
            self.config,
            self.reference_net(),
            self.denoising_unet(),
            self.face_locator(),
            self.image_projection(),
            self.audio_projection(),
            self.vae(),
        )

    @property
    def _build(self) -> Build:
        return self._settings.build("meta")

    def _seeded(self, module: nn.Module, prefix: str) -> Any:  # noqa: ANN401 - the module it was given
        fill_with_seeded_weights(module, prefix, self._salt)
        return self._settings.ready(module)


def hallo2_config(raw: dict[str, Any]) -> Hallo2Config:
    """From a case's config.json, which has the original's constructor arguments."""
    unet, locator = raw["denoising_unet"], raw["face_locator"]
    image, audio = raw["imageproj"], raw["audioproj"]
    return Hallo2Config(
        UNetConfig(
            block_widths=tuple(unet["block_out_channels"]),
            layers_per_block=unet["layers_per_block"],
            heads=unet["attention_head_dim"],
            face_token_width=unet["cross_attention_dim"],
            audio_token_width=unet["audio_attention_dim"],
            norm_groups=unet["norm_num_groups"],
            motion_positions=unet["motion_module_kwargs"]["temporal_position_encoding_max_len"],
        ),
        FaceLocatorConfig(tuple(locator["block_out_channels"]), locator["conditioning_embedding_channels"]),
        ImageProjectionConfig(
            image["clip_embeddings_dim"], image["cross_attention_dim"], image["clip_extra_context_tokens"]
        ),
        AudioProjectionConfig(
            audio["seq_len"],
            audio["blocks"],
            audio["channels"],
            audio["intermediate_dim"],
            audio["output_dim"],
            audio["context_tokens"],
        ),
    )


def vae_config(raw: dict[str, Any]) -> VAEConfig:
    return VAEConfig(tuple(raw["block_out_channels"]), raw["layers_per_block"], raw["norm_num_groups"])


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Within the context float32 is float32: no TF32 on devices that have it."""
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = False
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed
