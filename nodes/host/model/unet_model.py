"""The denoising UNet as the host's kind of model, with the sigmas and the denoised latents that its nodes expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import comfy.latent_formats
import comfy.supported_models_base
import torch
from comfy.model_base import BaseModel, ModelType
from comfy.model_sampling import ModelSamplingDiscrete
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


NOT_FOR_SAMPLERS = (
    "ComfyUI's samplers cannot sample a Hallo2 model. Connect it to 'Model from ComfyUI (Hallo2)', and that node to "
    "'Sample Video (Hallo2)'."
)


class OwnSampling(ModelSamplingDiscrete):
    """The sigmas of Hallo2's schedule, for latents that keep a variance of 1, as its steps have them. The host's own
    models of this kind scale them by up to 4,500, and what its caches keep would not fit the next step."""

    def __init__(self) -> None:
        super().__init__()
        levels = signal_levels().clamp(min=LEAST_SIGNAL)
        self.set_sigmas(((1 - levels) / levels).sqrt())

    def noise_scaling(self, *_of_a_sampler: object) -> Tensor:
        """The host's samplers begin with it; our steps do not."""
        raise SettingsError(NOT_FOR_SAMPLERS)

    def calculate_input(self, sigma: Tensor, noise: Tensor) -> Tensor:
        return noise

    def calculate_denoised(self, sigma: Tensor, model_output: Tensor, model_input: Tensor) -> Tensor:
        """From the v-prediction.  sigma: a scalar."""
        return (model_input - sigma * model_output) / (sigma**2 + 1).sqrt()

    def prediction(self, sigma: Tensor, denoised: Tensor, model_input: Tensor) -> Tensor:
        """The inverse of `calculate_denoised`."""
        return (model_input - (sigma**2 + 1).sqrt() * denoised) / sigma


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
        self.model_sampling = OwnSampling()
        self._sigmas = tuple(self.model_sampling.sigmas.tolist())

    def get_dtype(self) -> torch.dtype:
        return storage_dtype_of(self.diffusion_model)

    def sigma(self, timestep: int, device: torch.device) -> Tensor:
        """A scalar, written by a kernel: a copy to the device, or from it, would make the CPU wait in every step."""
        return torch.full((), self._sigmas[timestep], device=device)

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
        """x: (b f) 4 h w.  t: (b f), sigmas.  Returns the denoised latents, float32."""
        if conditions is None:
            raise SettingsError(NOT_FOR_SAMPLERS)
        sigma = t[0]
        latents = x.to(compute_dtype_of(self.diffusion_model), copy=True)
        timestep = int(self.model_sampling.timestep(sigma))
        prediction = self.run_unet(latents, timestep, conditions, transformer_options or {})
        return self.model_sampling.calculate_denoised(sigma, prediction.float(), x.float())


def _within(kind: str, call: Callable[..., Any], owner: object, options: dict[str, Any]) -> WrapperExecutor:
    return WrapperExecutor.new_class_executor(call, owner, get_all_wrappers(kind, options))
