"""Stage 1 (paper §4.4): single pictures, with the portrait and without sound or motion → the denoiser's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from einops import rearrange
from torch import Tensor, nn

from ..models.hallo2_models import Hallo2Models
from ..models.running import RunLayer, directly
from .diffusion_loss import min_snr_weights, noisy_latents, velocity, weighted_square
from .joint_objective import SCHEDULES, ObjectiveSettings, is_idle


@dataclass(frozen=True)
class PortraitPairs:
    """b pictures and their portraits, those without conditions first. `seeing`: how many, at the end, have a portrait
    and a face region."""

    latents: Tensor  # (b 4 h w), the truth
    noise: Tensor  # (b 4 h w)
    timesteps: Tensor  # (b)
    reference: Tensor  # (b 4 h w), the portrait's latents
    face_region: Tensor  # (b 3 H W), 0..1
    lips: Tensor  # (b h w), 0..1, of the truth
    identity: Tensor  # (b d)
    seeing: int

    def to(self, device: torch.device) -> PortraitPairs:
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self) if field.name != "seeing"}
        return replace(self, **moved)


class PictureObjective(nn.Module):
    """All networks of the released model; audio and motion modules do not run."""

    def __init__(
        self,
        models: Hallo2Models,
        settings: ObjectiveSettings,
        trains: Callable[[str], bool],
        run: RunLayer = directly,
    ) -> None:
        """trains: whether the parameter of this name is trained.  run: how the UNets run their layers."""
        super().__init__()
        self.reference_net = models.reference_net
        self.denoising_unet = models.denoising_unet
        self.face_locator = models.face_locator
        self.image_projection = models.image_projection
        self.audio_projection = models.audio_projection
        self.settings = settings
        self._run = run
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(trains(name) and not is_idle(name, models))
        self.register_buffer("signal", SCHEDULES[settings.noise_schedule]().clone(), persistent=False)

    def forward(self, batch: PortraitPairs) -> dict[str, Tensor]:
        settings, signal = self.settings, self.signal[batch.timesteps]
        latents, noise = (rearrange(x, "b c h w -> b 1 c h w") for x in (batch.latents, batch.noise))
        noisy = rearrange(noisy_latents(latents, noise, signal), "b 1 c h w -> b c h w")
        prediction = rearrange(self._predicted(batch, noisy).float(), "b c h w -> b 1 c h w")
        places = 1.0 + settings.lip_weight * batch.lips
        weights = min_snr_weights(signal, settings.snr_gamma)
        losses = weighted_square(prediction, velocity(latents, noise, signal), places, weights)
        return {"loss": losses.mean()}

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
