"""The five networks of one configuration, and the fingerprint of their weights."""

from __future__ import annotations

from dataclasses import replace

from ..config import Hallo2Config
from ..models.audio_projection import AudioProjection
from ..models.denoising_unet import DenoisingUNet
from ..models.face_locator import FaceLocator
from ..models.fingerprint import weights_fingerprint
from ..models.hallo2_models import Hallo2Models
from ..models.image_projection import ImageProjection
from ..models.layers import Build
from ..models.reference_net import ReferenceNet

# The prefix of each network in net.pth; below it, our attribute names equal the keys.
PREFIXES = {
    "reference_net": "reference_unet.",
    "denoising_unet": "denoising_unet.",
    "face_locator": "face_locator.",
    "image_projection": "imageproj.",
    "audio_projection": "audioproj.",
}


def hallo2_networks(config: Hallo2Config, build: Build) -> Hallo2Models:
    """Networks as `build` makes them, with no weights loaded."""
    return Hallo2Models(
        config,
        ReferenceNet(config.unet, build),
        DenoisingUNet(config.unet, build),
        FaceLocator(config.face_locator, build.wide),
        ImageProjection(config.image_projection, build.wide),
        AudioProjection(config.audio_projection, build.wide),
    )


def with_fingerprint(models: Hallo2Models) -> Hallo2Models:
    networks = {prefix: getattr(models, name) for name, prefix in PREFIXES.items()}
    return replace(models, fingerprint=weights_fingerprint(networks))
