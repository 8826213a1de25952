"""The text-control adapter on a model: maps a batch of clips with prompts to the denoiser's loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from ..models.text_control import TextControl
from .batch import Batch
from .clip_batch import Clip, ClipBatch
from .joint_objective import JointObjective


@dataclass(frozen=True)
class PromptedClip:
    clip: Clip
    embeddings: Tensor  # (f d), of the prompts at each frame
    presence: Tensor  # (f), 0..1: 0 for frames without a prompt

    @staticmethod
    def without_prompt(clip: Clip, width: int) -> PromptedClip:
        """width: of an embedding."""
        frames = len(clip.latents)
        return PromptedClip(clip, torch.zeros(frames, width), torch.zeros(frames))


@dataclass(frozen=True)
class PromptedClips(Batch):
    clips: ClipBatch
    embeddings: Tensor  # (b f d), of the prompts at each frame
    presence: Tensor  # (b f), 0..1

    @staticmethod
    def of(prompted: Sequence[PromptedClip]) -> PromptedClips:
        ordered = sorted(prompted, key=lambda one: one.clip.sees)  # as ClipBatch orders its clips
        return PromptedClips(
            ClipBatch.of([one.clip for one in ordered]),
            torch.stack([one.embeddings for one in ordered]),
            torch.stack([one.presence for one in ordered]),
        )


class TextObjective(nn.Module):
    """The adapter is trained, with gradients through the denoising UNet; the model is frozen unless `trains_model`."""

    def __init__(self, model: JointObjective, control: TextControl, trains_model: bool = False) -> None:
        super().__init__()
        self.model = model if trains_model else model.requires_grad_(False)
        self.control = control.requires_grad_(True)

    def forward(self, batch: PromptedClips) -> dict[str, Tensor]:
        text = self.control(rearrange(batch.embeddings, "b f d -> (b f) d"), batch.presence.flatten())
        return self.model(batch.clips, text)

    def predicted(self, batch: PromptedClips, noisy: Tensor) -> Tensor:
        """noisy: (b f 4 h w).  Returns the v-prediction with prompts, the same shape."""
        text = self.control(rearrange(batch.embeddings, "b f d -> (b f) d"), batch.presence.flatten())
        return self.model.predicted(batch.clips, noisy, text)
