"""The five networks of one configuration, and the fingerprint of their weights."""

from __future__ import annotations

from collections.abc import Iterable
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


def with_new_networks(models: Hallo2Models, names: Iterable[str], build: Build) -> Hallo2Models:
    """The same models, but the named networks are new modules, whose weights have the memory of the given ones'. To
    replace a weight of a new one changes nothing in the given models. build.device: None keeps the weights' own.
    """
    made = hallo2_networks(models.config, replace(build, device="meta"))
    new = {name: getattr(made, name) for name in names}
    for name, network in new.items():
        weights = getattr(models, name).state_dict()
        network.load_state_dict(
            {key: weight.to(build.device or weight.device) for key, weight in weights.items()}, strict=True, assign=True
        )
        network.requires_grad_(False)
    return replace(models, **new)


def with_fingerprint(models: Hallo2Models) -> Hallo2Models:
    networks = {prefix: getattr(models, name) for name, prefix in PREFIXES.items()}
    return replace(models, fingerprint=weights_fingerprint(networks))
