"""Few steps without guidance for a teacher's many with it: the loss of one of the student's steps.

Student and teacher are one network, with and without its LoRA layers. The teacher's path leads from noise to clean
latents; a step of the student begins on it and has to end where the path is by then (trajectory distillation, as in
Salimans and Ho, 2022, arXiv 2202.00512, in one round). The path has the teacher's guidance in it, and it belongs to
one sound: a student that ends on it moves the lips as the teacher does, where one that only draws as well need not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from ..animation.guidance import is_guided
from ..models.text_control import TextControl
from .batch import Batch
from .joint_objective import JointObjective, TextModulations
from .lora import without_lora
from .sampling import Sampling, sampling_path
from .text_objective import PromptedClip, PromptedClips


@dataclass(frozen=True)
class Step:
    """One of the student's steps."""

    prompted: PromptedClip  # at the timestep where it begins
    begin: Tensor  # (f 4 h w), on the teacher's path
    end: Tensor  # (f 4 h w), where the path leads
    signals: Tensor  # (2), the signal levels at both


@dataclass(frozen=True)
class Steps(Batch):
    prompted: PromptedClips
    begin: Tensor  # (b f 4 h w)
    end: Tensor  # (b f 4 h w)
    signals: Tensor  # (2 b), the signal levels at both

    @staticmethod
    def of(steps: Sequence[Step]) -> Steps:
        """All clips have a portrait, so their order stays."""
        return Steps(
            PromptedClips.of([step.prompted for step in steps]),
            torch.stack([step.begin for step in steps]),
            torch.stack([step.end for step in steps]),
            torch.stack([step.signals for step in steps], dim=1),
        )


class DistilObjective(nn.Module):
    def __init__(self, model: JointObjective, control: TextControl | None) -> None:
        """model: with LoRA layers, which are trained.  control: for clips with prompts; stays as it is."""
        super().__init__()
        self.model = model
        self.control = None if control is None else control.requires_grad_(False)

    @property
    def prompt_width(self) -> int:
        """Of the embeddings of prompts."""
        return 0 if self.control is None else self.control.config.text_width

    def forward(self, batch: Steps) -> dict[str, Tensor]:
        clips = batch.prompted.clips
        conditions = self.model.conditions(clips, self._text(batch.prompted))
        prediction = self.model.predicted_under(conditions, batch.begin, clips.timesteps)
        errors = prediction.float() - velocity_between(batch.begin, batch.end, *batch.signals)
        weights = torch.ones_like(batch.signals[0])
        return {"loss": self.model.loss_of_errors(errors, weights, *self.model.regions(clips))}

    @torch.no_grad()
    def teacher_path(self, batch: PromptedClips, teacher: Sampling) -> Tensor:
        """(p b f 4 h w): the noise, and the latents after each of the teacher's steps."""
        clips, model = batch.clips, self.model
        with without_lora(model):
            seen = model.conditions(clips, self._text(batch))
            unseen = model.conditions(clips.without_conditions()) if is_guided(teacher.guidance) else None

            def predict(timestep: int, latents: Tensor) -> tuple[Tensor, Tensor]:
                times = clips.at(timestep).timesteps
                own = model.predicted_under(seen, latents, times)
                return own, own if unseen is None else model.predicted_under(unseen, latents, times)

            return torch.stack([clips.noise, *sampling_path(clips.noise, teacher, predict)])

    def _text(self, batch: PromptedClips) -> TextModulations | None:
        if self.control is None:
            return None
        return self.control(rearrange(batch.embeddings, "b f d -> (b f) d"), batch.presence.flatten())


def velocity_between(latents: Tensor, following: Tensor, signal: Tensor, following_signal: Tensor) -> Tensor:
    """The prediction with which one DDIM step leads from `latents` exactly to `following`.

    With signal = cos² φ, a step rotates latents and velocity by the angle φ - φ(following):
    following = cos(angle) · latents - sin(angle) · velocity.

    latents, following: (b f c h w).  signal, following_signal: (b), of both; the second one is the larger.
    """
    angle = rearrange(signal.sqrt().acos() - following_signal.sqrt().acos(), "b -> b 1 1 1 1")
    return (angle.cos() * latents - following) / angle.sin()
