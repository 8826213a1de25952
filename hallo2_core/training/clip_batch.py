"""The input of one step of joint training: a batch of clips, those without conditions first."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClipBatch:
    """b clips of f frames. `seeing`: how many, at the end, have portrait, face region and speech."""

    latents: Tensor  # (b f 4 h w), the truth
    noise: Tensor  # (b f 4 h w)
    timesteps: Tensor  # (b)
    reference: Tensor  # (b 4 h w), the portrait's latents
    motion_pixels: Tensor  # (b m 3 H W), -1..1, noised and dropped
    face_region: Tensor  # (b 3 H W), 0..1
    masks: tuple[Tensor, ...]  # per level (3 b l): pose, face, lip
    windows: Tensor  # (b f window layers d), speech features
    seeing: int
    identity: Tensor | None = None  # (b d), of the portraits; None: zeros
    heard: Tensor | None = None  # (b), 1 for clips with speech, 0 for those without; None: the clips that see

    def to(self, device: torch.device) -> ClipBatch:
        moved = {
            field.name: getattr(self, field.name).to(device)
            for field in fields(self)
            if isinstance(getattr(self, field.name), Tensor)
        }
        return replace(self, **moved, masks=tuple(level.to(device) for level in self.masks))
