"""The denoising UNet as the host's kind of model, with the sigmas and the denoised latents that its nodes expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import comfy.latent_formats
import comfy.supported_models_base
import torch
from comfy.model_base import BaseModel, ModelType
from comfy.patcher_extension import WrapperExecutor, WrappersMP, get_all_wrappers
from torch import Tensor

from ....hallo2_core.animation.noise_schedule import signal_levels
from ....hallo2_core.errors import SettingsError
from ....hallo2_core.models.layers import compute_dtype_of, storage_dtype_of
from ..attention import HostAttention

if TYPE_CHECKING:
    from ....hallo2_core.models.conditions import ClipConditions
    from ....hallo2_core.models.denoising_unet import DenoisingUNet
    from ..networks import Managed

LEAST_SIGNAL = 4.8973451890853435e-08  # the host's, in place of the zero of the last timestep: sigmas are finite


class UNetModel(BaseModel):
    """`held`: the Hallo2 model that the UNet is part of; `attention`: that of the UNet's layers, and of no other's."""

    def __init__(self, held: Managed, unet: DenoisingUNet, attention: HostAttention, device: torch.device) -> None:
        config = comfy.supported_models_base.BASE({"disable_unet_model_creation": True})
        config.latent_format = comfy.latent_formats.SD15()
        super().__init__(config, ModelType.V_PREDICTION, device)
        self.held = held
        self.attention = attention
        self.diffusion_model = unet
        if compute_dtype_of(unet) != storage_dtype_of(unet):
            self.manual_cast_dtype = compute_dtype_of(unet)
        levels = signal_levels().clamp(min=LEAST_SIGNAL)
        self.model_sampling.set_sigmas(((1 - levels) / levels).sqrt())

    def get_dtype(self) -> torch.dtype:
        return storage_dtype_of(self.diffusion_model)

    def sigma(self, timestep: int) -> Tensor:
        """A scalar, on the CPU."""
        return self.model_sampling.sigmas[timestep].cpu()

    def denoised(self, prediction: Tensor, latents: Tensor, sigma: Tensor) -> Tensor:
        """From a v-prediction, as the host's wrappers see it.  latents: in its scale, see `in_host_scale`."""
        return self.model_sampling.calculate_denoised(sigma, prediction.float(), latents)

    def prediction(self, denoised: Tensor, latents: Tensor, sigma: Tensor) -> Tensor:
        """The inverse of `denoised`."""
        variance = sigma**2 + 1
        return (latents / variance - denoised) * variance.sqrt() / sigma

    def run_unet(self, latents: Tensor, timestep: int, conditions: ClipConditions, options: dict[str, Any]) -> Tensor:
        """The UNet within the host's wrappers around it, and with its attention override.  latents: (b f) 4 h w, which
        wrappers may change in place."""

        def unet(x: Tensor, t: Tensor, *_others: object, conditions: ClipConditions, **_options: object) -> Tensor:
            return self.diffusion_model(x, t, conditions)

        with self.attention.with_options(options):
            return _within(WrappersMP.DIFFUSION_MODEL, unet, self.diffusion_model, options).execute(
                latents, torch.full((1,), float(timestep), device=latents.device), None, None, None, options,
                conditions=conditions,
            )  # fmt: skip

    def _apply_model(
        self,
        x: Tensor,
        t: Tensor,
        c_concat: Tensor | None = None,
        c_crossattn: Tensor | None = None,
        control: object = None,
        transformer_options: dict[str, Any] | None = None,
        conditions: ClipConditions | None = None,
        **_others: object,
    ) -> Tensor:
        """x: (b f) 4 h w, in the host's scale.  t: (b f), sigmas.  Returns the denoised latents."""
        if conditions is None:
            raise SettingsError(
                "ComfyUI's samplers cannot sample a Hallo2 model. Connect it to 'Model from ComfyUI (Hallo2)', and "
                "that node to 'Sample Video (Hallo2)'."
            )
        sigma = t[0]
        latents = self.model_sampling.calculate_input(sigma, x).to(compute_dtype_of(self.diffusion_model))
        timestep = int(self.model_sampling.timestep(sigma))
        return self.denoised(self.run_unet(latents, timestep, conditions, transformer_options or {}), x, sigma)


def in_host_scale(latents: Tensor, sigma: Tensor) -> Tensor:
    """latents: with a variance of 1.  Returns them in float32, with the noise's standard deviation of sigma."""
    return latents.float() * (sigma**2 + 1).sqrt()


def _within(kind: str, call: Callable[..., Any], owner: object, options: dict[str, Any]) -> WrapperExecutor:
    return WrapperExecutor.new_class_executor(call, owner, get_all_wrappers(kind, options))
