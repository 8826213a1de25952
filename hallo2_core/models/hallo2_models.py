"""The networks that a loader returns together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ..config import Hallo2Config, TextControlConfig, UsualSettings
from .running import STEPS_DIRECTLY, RunSteps
from .text_control import TextControl


@dataclass(frozen=True)
class TextAdapter:
    """The text-control adapter (paper §4.3), loaded from a separate file."""

    control: TextControl
    fingerprint: str = ""
    is_zero: bool = False  # untrained: prompts change nothing

    @property
    def config(self) -> TextControlConfig:
        return self.control.config


@dataclass(frozen=True)
class FewSteps:
    """How a model samples that was distilled to few steps."""

    steps: int
    guidance: float = 1.0  # 1: without


@dataclass(frozen=True)
class Hallo2Models:
    """The five networks of `net.pth`, a VAE (with the demo model, or on the command line), and an optional adapter."""

    config: Hallo2Config
    reference_net: nn.Module
    denoising_unet: nn.Module
    face_locator: nn.Module
    image_projection: nn.Module
    audio_projection: nn.Module
    vae: nn.Module | None = None
    fingerprint: str = ""
    text_adapter: TextAdapter | None = None
    run_steps: RunSteps = STEPS_DIRECTLY  # of the denoising UNet
    few_steps: FewSteps | None = None  # a few-step LoRA is part of the weights
    usual: UsualSettings = UsualSettings()

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All networks of the model, for moving them between devices."""
        five = (
            self.reference_net, self.denoising_unet, self.face_locator, self.image_projection, self.audio_projection,
        )  # fmt: skip
        control = None if self.text_adapter is None else self.text_adapter.control
        return five + tuple(network for network in (self.vae, control) if network is not None)
