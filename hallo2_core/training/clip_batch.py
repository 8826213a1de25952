"""The input of one step of training on clips: a batch of them, those without a portrait first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .batch import Batch


@dataclass(frozen=True)
class Clip:
    """One clip of f frames."""

    latents: Tensor  # (f 4 h w), the truth
    noise: Tensor  # (f 4 h w)
    reference: Tensor  # (4 h w), the portrait's latents
    motion_pixels: Tensor  # (m 3 H W), -1..1, noised and dropped
    face_region: Tensor  # (3 H W), 0..1
    masks: tuple[Tensor, ...]  # per level (3 l): pose, face, lip
    windows: Tensor  # (f window layers d), speech features
    identity: Tensor  # (d), the portrait's
    timestep: int = 0
    sees: bool = True  # has portrait and face region
    hears: bool = True  # has speech


@dataclass(frozen=True)
class ClipBatch(Batch):
    """b clips of f frames. `seeing`: how many, at the end, have portrait and face region."""

    latents: Tensor  # (b f 4 h w), the truth
    noise: Tensor  # (b f 4 h w)
    reference: Tensor  # (b 4 h w), the portrait's latents
    motion_pixels: Tensor  # (b m 3 H W), -1..1, noised and dropped
    face_region: Tensor  # (b 3 H W), 0..1
    masks: tuple[Tensor, ...]  # per level (3 b l): pose, face, lip
    windows: Tensor  # (b f window layers d), speech features
    identity: Tensor  # (b d), of the portraits
    timesteps: Tensor  # (b)
    heard: Tensor  # (b), 1 for clips with speech, 0 for those without
    seeing: int

    @staticmethod
    def of(clips: Sequence[Clip]) -> ClipBatch:
        ordered = sorted(clips, key=lambda clip: clip.sees)

        def stacked(name: str) -> Tensor:
            return torch.stack([getattr(clip, name) for clip in ordered])

        return ClipBatch(
            latents=stacked("latents"),
            noise=stacked("noise"),
            reference=stacked("reference"),
            motion_pixels=stacked("motion_pixels"),
            face_region=stacked("face_region"),
            masks=tuple(torch.stack(level, dim=1) for level in zip(*(clip.masks for clip in ordered), strict=True)),
            windows=stacked("windows"),
            identity=stacked("identity"),
            timesteps=torch.tensor([clip.timestep for clip in ordered]),
            heard=torch.tensor([float(clip.hears) for clip in ordered]),
            seeing=sum(clip.sees for clip in ordered),
        )

    def at(self, timestep: int) -> ClipBatch:
        """The same clips, all at this timestep."""
        return replace(self, timesteps=torch.full_like(self.timesteps, timestep))

    def without_conditions(self) -> ClipBatch:
        """As guidance needs them: without portrait, face region and speech."""
        return replace(self, seeing=0, heard=torch.zeros_like(self.heard))
