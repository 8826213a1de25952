"""All networks of the small model: maps a batch of clips to the denoiser's loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from ..animation.noise_schedule import signal_levels, training_signal_levels
from ..config import LATENT_SCALE
from ..models.hallo2_models import Hallo2Models
from ..models.running import RunLayer, directly
from ..models.text_control import TextModulation
from ..models.vae import AutoencoderKL
from .clip_batch import ClipBatch
from .diffusion_loss import min_snr_weights, noisy_latents, velocity, weighted_square

TextModulations = Mapping[str, tuple[TextModulation, ...]]  # block path → one entry per layer
SCHEDULES = {"sampled": signal_levels, "released": training_signal_levels}


@dataclass(frozen=True)
class ObjectiveSettings:
    snr_gamma: float = 5.0
    lip_weight: float = 4.0  # additional weight of the center of the lips, relative to positions without a face
    face_weight: float = 0.0  # the same for the rest of the face
    noise_schedule: str = "sampled"  # the schedule for sampling videos; "released": the release's training schedule


class JointObjective(nn.Module):
    """The denoising UNet, ReferenceNet, face locator and both projections; the VAE is frozen."""

    def __init__(
        self,
        models: Hallo2Models,
        vae: AutoencoderKL,
        settings: ObjectiveSettings,
        trains: Callable[[str], bool] = lambda name: True,
        run: RunLayer = directly,
    ) -> None:
        """trains: whether the parameter of this name is trained.  run: how the UNets run their layers."""
        super().__init__()
        self.reference_net = models.reference_net
        self.denoising_unet = models.denoising_unet
        self.face_locator = models.face_locator
        self.image_projection = models.image_projection
        self.audio_projection = models.audio_projection
        self.vae = vae
        self.settings = settings
        self._run = run
        for name, parameter in self.named_parameters():
            is_frozen = name.startswith("vae.") or is_idle(name, models)
            parameter.requires_grad_(not is_frozen and trains(name))
        self.register_buffer("signal", SCHEDULES[settings.noise_schedule]().clone(), persistent=False)

    def forward(self, batch: ClipBatch, text: TextModulations | None = None) -> dict[str, Tensor]:
        settings, signal = self.settings, self.signal[batch.timesteps]
        prediction = self.predicted(batch, noisy_latents(batch.latents, batch.noise, signal), text)
        target = velocity(batch.latents, batch.noise, signal)
        height = batch.latents.shape[-2]
        face, lips = (rearrange(batch.masks[0][region], "b (h w) -> b h w", h=height) for region in (1, 2))
        places = 1.0 + settings.lip_weight * lips
        if settings.face_weight:
            places = places + settings.face_weight * face
        losses = weighted_square(prediction.float(), target, places, min_snr_weights(signal, settings.snr_gamma))
        return {"loss": losses.mean()}

    def predicted(self, batch: ClipBatch, noisy: Tensor, text: TextModulations | None = None) -> Tensor:
        """noisy: (b f 4 h w).  text: of all frames, (b f) in a row.  Returns the v-prediction, shaped as noisy."""
        clips, frames = noisy.shape[:2]
        first = clips - batch.seeing
        sees = (torch.arange(clips, device=noisy.device) >= first).to(noisy)
        hears = sees if batch.heard is None else batch.heard.to(noisy)
        nobody = noisy.new_zeros(clips, self.image_projection.embedding_width)
        identity = nobody if batch.identity is None else batch.identity.to(noisy) * rearrange(sees, "b -> b 1")
        face_tokens = self.image_projection(identity)
        face_map = self.face_locator(batch.face_region) * rearrange(sees, "b -> b 1 1 1")
        audio_tokens = self.audio_projection(rearrange(batch.windows, "b f ... -> (b f) ..."))
        audio_tokens = rearrange(audio_tokens, "(b f) n d -> b f n d", b=clips) * rearrange(hears, "b -> b 1 1 1")
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
            noisy.new_ones(3, clips, frames),
        )
        conditions = conditions if text is None else conditions.with_text(text)
        frames_of_all = rearrange(noisy, "b f c h w -> (b f) c h w")
        prediction = self.denoising_unet(frames_of_all, batch.timesteps, conditions, self._run)
        return rearrange(prediction, "(b f) c h w -> b f c h w", b=clips)

    def _motion_latents(self, pixels: Tensor) -> Tensor:
        """(b m 3 H W) → (b m 4 h w), through the VAE as in inference."""
        with torch.no_grad():
            latents = self.vae.encode(rearrange(pixels, "b m c h w -> (b m) c h w")) * LATENT_SCALE
        return rearrange(latents, "(b m) c h w -> b m c h w", b=len(pixels))


def is_idle(name: str, models: Hallo2Models) -> bool:
    """Weights unused in inference (quirks 1 and 15): motion modules of the two blocks without attention, and
    ReferenceNet's last transformer except for the part that computes its bank."""
    deepest = len(models.config.unet.block_widths) - 1
    last = f"reference_net.up_blocks.{deepest}.attentions.{models.config.unet.layers_per_block}."
    if name.startswith(last):
        return not name.startswith((f"{last}norm.", f"{last}proj_in.", f"{last}transformer_blocks.0.norm1."))
    blocks = (f"denoising_unet.down_blocks.{deepest}.motion_modules.", "denoising_unet.up_blocks.0.motion_modules.")
    return name.startswith(blocks)
