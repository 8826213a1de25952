"""Clips with everything that the model takes → the denoiser's loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from einops import rearrange, repeat
from torch import Tensor

from ..config import LATENT_SCALE
from ..models.conditions import ClipConditions
from ..models.hallo2_models import Hallo2Models
from ..models.running import RunLayer, directly
from ..models.text_control import TextModulation
from ..models.vae import AutoencoderKL
from .clip_batch import ClipBatch
from .denoiser_objective import DenoiserObjective, ObjectiveSettings
from .diffusion_loss import noisy_latents

TextModulations = Mapping[str, tuple[TextModulation, ...]]  # block path → one entry per layer


class JointObjective(DenoiserObjective):
    """All networks run; the VAE, which encodes the motion frames, is frozen."""

    def __init__(
        self,
        models: Hallo2Models,
        vae: AutoencoderKL,
        settings: ObjectiveSettings,
        trains: Callable[[str], bool] = lambda name: True,
        run: RunLayer = directly,
    ) -> None:
        """trains: whether the parameter of this name is trained.  run: how the UNets run their layers."""
        super().__init__(models, settings, trains, run)
        self.vae = vae.requires_grad_(False)

    def forward(self, batch: ClipBatch, text: TextModulations | None = None) -> dict[str, Tensor]:
        noisy = noisy_latents(batch.latents, batch.noise, self.signal[batch.timesteps])
        prediction = self.predicted(batch, noisy, text)
        face, lips = self.regions(batch)
        return {"loss": self.loss(prediction, batch.latents, batch.noise, batch.timesteps, face, lips)}

    def regions(self, batch: ClipBatch) -> tuple[Tensor, Tensor]:
        """Face and lips, each (b h w), 0..1."""
        height = batch.latents.shape[-2]
        face, lips = (rearrange(batch.masks[0][region], "b (h w) -> b h w", h=height) for region in (1, 2))
        return face, lips

    def predicted(self, batch: ClipBatch, noisy: Tensor, text: TextModulations | None = None) -> Tensor:
        """noisy: (b f 4 h w).  text: of all frames, (b f) in a row.  Returns the v-prediction, shaped as noisy."""
        return self.predicted_under(self.conditions(batch, text), noisy, batch.timesteps)

    def predicted_under(self, conditions: ClipConditions, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """noisy: (b f 4 h w).  timesteps: (b).  Returns the v-prediction, shaped as noisy."""
        frames = rearrange(noisy, "b f c h w -> (b f) c h w")
        prediction = self.denoising_unet(frames, timesteps, conditions, self._run)
        return rearrange(prediction, "(b f) c h w -> b f c h w", b=len(noisy))

    def conditions(self, batch: ClipBatch, text: TextModulations | None = None) -> ClipConditions:
        """text: of all frames, (b f) in a row.  The same for all timesteps."""
        clips, frames = batch.latents.shape[:2]
        first = clips - batch.seeing
        sees = (torch.arange(clips, device=batch.latents.device) >= first).to(batch.latents)
        face_tokens = self.image_projection(batch.identity.to(sees) * rearrange(sees, "b -> b 1"))
        face_map = self.face_locator(batch.face_region) * rearrange(sees, "b -> b 1 1 1")
        audio_tokens = self.audio_projection(rearrange(batch.windows, "b f ... -> (b f) ..."))
        audio_tokens = rearrange(audio_tokens, "(b f) n d -> b f n d", b=clips) * rearrange(
            batch.heard.to(sees), "b -> b 1 1 1"
        )
        motion = self._motion_latents(batch.motion_pixels)
        pictures = torch.cat([batch.reference[first:], rearrange(motion, "b m c h w -> (b m) c h w")])
        tokens = torch.cat([face_tokens[first:], repeat(face_tokens, "b n d -> (b m) n d", m=motion.shape[1])])
        banks = self.reference_net(pictures, tokens, self._run)
        conditions = self.denoising_unet.batch_conditions(
            banks.rows(slice(0, batch.seeing)) if batch.seeing else None,
            banks.rows(slice(batch.seeing, None)),
            face_tokens,
            face_map,
            audio_tokens,
            batch.masks,
            sees.new_ones(3, clips, frames),
        )
        return conditions if text is None else conditions.with_text(text)

    def _motion_latents(self, pixels: Tensor) -> Tensor:
        """(b m 3 H W) → (b m 4 h w), through the VAE as in inference."""
        with torch.no_grad():
            latents = self.vae.encode(rearrange(pixels, "b m c h w -> (b m) c h w")) * LATENT_SCALE
        return rearrange(latents, "(b m) c h w -> b m c h w", b=len(pixels))
