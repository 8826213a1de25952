"""The networks that are loaded together, as loaders return them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ..config import Hallo2Config, TextControlConfig
from .text_control import TextControl


@dataclass(frozen=True)
class TextAdapter:
    """What lets prompts act (paper §4.3): a file of its own, beside the model it fits."""

    control: TextControl
    fingerprint: str = ""
    is_zero: bool = False  # untrained: prompts change nothing
    is_demo: bool = False  # random: prompts change something, and mean nothing

    @property
    def config(self) -> TextControlConfig:
        return self.control.config


@dataclass(frozen=True)
class Hallo2Models:
    """The five networks of `net.pth`, a VAE where the file's makers ship one (the demo), and what was attached."""

    config: Hallo2Config
    reference_net: nn.Module
    denoising_unet: nn.Module
    face_locator: nn.Module
    image_projection: nn.Module
    audio_projection: nn.Module
    vae: nn.Module | None = None
    fingerprint: str = ""
    is_demo: bool = False
    text_adapter: TextAdapter | None = None

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All of the model's own, for whoever moves them between devices."""
        five = (
            self.reference_net, self.denoising_unet, self.face_locator, self.image_projection, self.audio_projection,
        )  # fmt: skip
        return five if self.vae is None else (*five, self.vae)
