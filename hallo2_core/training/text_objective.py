"""The text-control adapter on a frozen model: maps a batch of clips with prompts to the denoiser's loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from ..models.text_control import TextControl
from .clip_batch import ClipBatch
from .joint_objective import JointObjective


@dataclass(frozen=True)
class PromptedClips:
    clips: ClipBatch
    embeddings: Tensor  # (b f d), of the prompts at each frame
    presence: Tensor  # (b f), 0..1

    def to(self, device: torch.device) -> PromptedClips:
        return PromptedClips(self.clips.to(device), self.embeddings.to(device), self.presence.to(device))


class TextObjective(nn.Module):
    """Only the adapter is trained, with gradients through the denoising UNet."""

    def __init__(self, model: JointObjective, control: TextControl) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self.control = control.requires_grad_(True)

    def forward(self, batch: PromptedClips) -> dict[str, Tensor]:
        text = self.control(rearrange(batch.embeddings, "b f d -> (b f) d"), batch.presence.flatten())
        return self.model(batch.clips, text)

    def predicted(self, batch: PromptedClips, noisy: Tensor) -> Tensor:
        """noisy: (b f 4 h w).  Returns the v-prediction with prompts, the same shape."""
        text = self.control(rearrange(batch.embeddings, "b f d -> (b f) d"), batch.presence.flatten())
        return self.model.predicted(batch.clips, noisy, text)
