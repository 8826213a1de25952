"""Stage 1 (paper §4.4): single pictures, with the portrait and without sound or motion → the denoiser's loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from .batch import Batch
from .denoiser_objective import DenoiserObjective
from .diffusion_loss import noisy_latents


@dataclass(frozen=True)
class PortraitPairs(Batch):
    """b pictures and their portraits, those without conditions first. `seeing`: how many, at the end, have a portrait
    and a face region."""

    latents: Tensor  # (b 4 h w), the truth
    noise: Tensor  # (b 4 h w)
    timesteps: Tensor  # (b)
    reference: Tensor  # (b 4 h w), the portrait's latents
    face_region: Tensor  # (b 3 H W), 0..1
    face: Tensor  # (b h w), 0..1, of the truth
    lips: Tensor  # (b h w), 0..1, of the truth
    identity: Tensor  # (b d)
    seeing: int


class PictureObjective(DenoiserObjective):
    """Audio and motion modules do not run."""

    def forward(self, batch: PortraitPairs) -> dict[str, Tensor]:
        latents, noise = (rearrange(x, "b c h w -> b 1 c h w") for x in (batch.latents, batch.noise))
        noisy = noisy_latents(latents, noise, self.signal[batch.timesteps])
        prediction = rearrange(self._predicted(batch, noisy[:, 0]), "b c h w -> b 1 c h w")
        return {"loss": self.loss(prediction, latents, noise, batch.timesteps, batch.face, batch.lips)}

    def _predicted(self, batch: PortraitPairs, noisy: Tensor) -> Tensor:
        """noisy: (b 4 h w).  Returns the v-prediction, the same shape."""
        first = len(noisy) - batch.seeing
        sees = (torch.arange(len(noisy), device=noisy.device) >= first).to(noisy)
        face_tokens = self.image_projection(batch.identity * rearrange(sees, "b -> b 1"))
        face_map = self.face_locator(batch.face_region) * rearrange(sees, "b -> b 1 1 1")
        portraits = batch.reference[first:]
        banks = self.reference_net(portraits, face_tokens[first:], self._run) if batch.seeing else None
        conditions = self.denoising_unet.picture_conditions(banks, face_tokens, face_map)
        return self.denoising_unet(noisy, batch.timesteps, conditions, self._run)
