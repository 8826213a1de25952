"""What training on clips and on pictures shares: networks, which weights are trained, and the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ..animation.noise_schedule import signal_levels, training_signal_levels
from ..errors import SettingsError
from ..models.hallo2_models import Hallo2Models
from ..models.running import RunLayer
from .diffusion_loss import min_snr_weights, velocity, weighted_square

SCHEDULES = {"sampled": signal_levels, "released": training_signal_levels}


@dataclass(frozen=True)
class ObjectiveSettings:
    snr_gamma: float = 5.0
    lip_weight: float = 4.0  # additional weight of the center of the lips, relative to positions without a face
    face_weight: float = 0.0  # the same for the rest of the face
    change_weight: float = 0.0  # of the squared error of each frame's change from the one before: against shimmer
    noise_schedule: str = "sampled"  # the schedule for sampling videos; "released": the release's training schedule

    def __post_init__(self) -> None:
        if self.noise_schedule not in SCHEDULES:
            raise SettingsError(f"noise_schedule is '{self.noise_schedule}'; choose one of {', '.join(SCHEDULES)}.")
        for name in ("snr_gamma", "lip_weight", "face_weight", "change_weight"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; choose 0 or more.")


class DenoiserObjective(nn.Module):
    def __init__(
        self, models: Hallo2Models, settings: ObjectiveSettings, trains: Callable[[str], bool], run: RunLayer
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

    def loss(
        self, prediction: Tensor, latents: Tensor, noise: Tensor, timesteps: Tensor, face: Tensor, lips: Tensor
    ) -> Tensor:
        """prediction, latents, noise: (b f c h w).  timesteps: (b).  face, lips: (b h w), 0..1.  Returns the mean."""
        signal = self.signal[timesteps]
        errors = prediction.float() - velocity(latents, noise, signal)
        return self.loss_of_errors(errors, min_snr_weights(signal, self.settings.snr_gamma), face, lips)

    def loss_of_errors(self, errors: Tensor, weights: Tensor, face: Tensor, lips: Tensor) -> Tensor:
        """errors: (b f c h w), of the v-prediction.  weights: (b), of the clips.  face, lips: as for `loss`."""
        settings = self.settings
        places = 1.0 + settings.lip_weight * lips
        if settings.face_weight:
            places = places + settings.face_weight * face
        loss = weighted_square(errors, places, weights)
        if settings.change_weight:
            loss = loss + settings.change_weight * weighted_square(errors.diff(dim=1), places, weights)
        return loss.mean()


def is_idle(name: str, models: Hallo2Models) -> bool:
    """Weights unused in inference (quirks 1 and 15): motion modules of the two blocks without attention, and
    ReferenceNet's last transformer except for the part that computes its bank."""
    deepest = len(models.config.unet.block_widths) - 1
    last = f"reference_net.up_blocks.{deepest}.attentions.{models.config.unet.layers_per_block}."
    if name.startswith(last):
        return not name.startswith((f"{last}norm.", f"{last}proj_in.", f"{last}transformer_blocks.0.norm1."))
    blocks = (f"denoising_unet.down_blocks.{deepest}.motion_modules.", "denoising_unet.up_blocks.0.motion_modules.")
    return name.startswith(blocks)
