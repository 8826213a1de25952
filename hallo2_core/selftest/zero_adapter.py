"""A prompt through a zero text-control adapter, for golden cases, which must not change."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..checkpoints.text_control import zero_text_adapter
from ..config import TextControlConfig, UNetConfig
from ..models.conditions import ClipConditions
from ..models.hallo2_models import TextAdapter
from ..timeline.prompts import TextPrompts, parse_prompts
from ..timeline.transitions import Transition
from .case import Settings


def adapter_of(settings: Settings, unet: UNetConfig) -> TextAdapter:
    """Not marked as zero, so that it is computed."""
    return replace(zero_text_adapter(unet, settings.build(settings.device).wide), is_zero=False)


def a_prompt() -> TextPrompts:
    """A prompt over all frames, at full strength."""
    embedding = torch.randn(1, TextControlConfig().text_width, generator=torch.Generator().manual_seed(0))
    return TextPrompts(parse_prompts("0- smiling"), Transition(), embedding, "selftest")


def prompted(conditions: ClipConditions, frames: int, settings: Settings, unet: UNetConfig) -> ClipConditions:
    embeddings = a_prompt().embeddings.expand(frames, -1).to(settings.device, settings.dtype)
    presence = torch.ones(frames, device=settings.device, dtype=settings.dtype)
    return conditions.with_text(adapter_of(settings, unet).control(embeddings, presence))
