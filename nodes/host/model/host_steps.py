"""The core's `RunSteps` over the wrappers that the host's nodes left in a MODEL.

Each wrapper is called where the host's own sampling would call it, with the same arguments. To the host, guidance is
part of the model: a wrapper around a step sees one prediction, the guided one.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any

import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher, create_model_options_clone
from comfy.patcher_extension import WrapperExecutor, WrappersMP, get_all_wrappers, merge_nested_dicts
from torch import Tensor, nn

from ....hallo2_core.errors import SettingsError
from .unet_model import UNetModel

if TYPE_CHECKING:
    from ....hallo2_core.models.conditions import ClipConditions

UNCONDITIONAL, CONDITIONAL = 1, 0  # the host's numbers
PREPARING_ARGUMENTS = len(signature(ModelPatcher.prepare_state).parameters) - 1  # the older host: sigmas alone
OUTER_ARGUMENTS = ("latent_image", "sampler", "sigmas", "denoise_mask", "callback", "disable_pbar", "seed")


class Guider:
    """What wrappers see as the host's guider. They may replace `model_options`."""

    def __init__(self, patcher: ModelPatcher) -> None:
        self.model_patcher = patcher
        self.inner_model: UNetModel = patcher.model
        self.model_options = create_model_options_clone(patcher.model_options)
        options = self.model_options["transformer_options"]
        for kind, own in (("wrappers", patcher.wrappers), ("callbacks", patcher.callbacks)):
            merge_nested_dicts(options.setdefault(kind, {}), own, copy_dict1=False)

    @property
    def cfg(self) -> float:
        return 1.0

    @cfg.setter
    def cfg(self, value: float) -> None:
        raise SettingsError(
            f"A ComfyUI node sets cfg to {value}, but guidance is part of Hallo2's own steps. Remove the node, and set "
            f"guidance over time with 'Weight Timeline (Hallo2)'."
        )

    @contextmanager
    def using(self, model_options: dict[str, Any]) -> Iterator[None]:
        before, self.model_options = self.model_options, model_options
        try:
            yield
        finally:
            self.model_options = before

    def wrappers(self, kind: str) -> list[Callable[..., Any]]:
        return get_all_wrappers(kind, self.model_options, is_model_options=True)

    def within(self, kind: str, call: Callable[..., Any], owner: object) -> WrapperExecutor:
        return WrapperExecutor.new_class_executor(call, owner, self.wrappers(kind))


class HostSteps:
    """Runs the steps of a video within a MODEL's wrappers. What they keep from step to step lasts one clip, so a
    resumed video has the same frames."""

    def __init__(self, patcher: ModelPatcher) -> None:
        self.patcher = patcher
        self._guider = Guider(patcher)
        # By the number of halves, and whether prompts act. One for both halves, which always run together: the older
        # host's EasyCache cannot tell the halves of a batch apart.
        self._ids: dict[tuple[int, bool], uuid.UUID] = defaultdict(uuid.uuid4)

    @property
    def _model(self) -> UNetModel:
        return self.patcher.model

    def clip(self, denoise: Callable[[Tensor], Tensor], noise: Tensor, timesteps: Sequence[int]) -> Tensor:
        self._guider = Guider(self.patcher)
        sigmas = [self._model.sigma(timestep, noise.device) for timestep in timesteps]
        sigmas = torch.stack([*sigmas, torch.zeros_like(sigmas[0])])
        sampler = comfy.samplers.sampler_object("ddim")
        given = torch.zeros_like(noise), sampler, sigmas, None, None, True, None

        def sample(noise: Tensor, *found: object, **named: object) -> Tensor:
            _check_unchanged(given, found, named)
            self.patcher.pre_run()
            try:
                return denoise(noise)
            finally:
                self.patcher.cleanup()

        return self._guider.within(WrappersMP.OUTER_SAMPLE, sample, self._guider).execute(noise, *given)

    def step(self, predict: Callable[[Tensor], Tensor], latents: Tensor, timestep: int) -> Tensor:
        guider, model = self._guider, self._model
        self.patcher.prepare_state(*(self._sigmas(latents, timestep), guider.model_options)[:PREPARING_ARGUMENTS])
        if not (guider.wrappers(WrappersMP.PREDICT_NOISE) or guider.wrappers(WrappersMP.CALC_COND_BATCH)):
            return predict(latents)
        sigma = model.sigma(timestep, latents.device)
        given = latents.to(torch.float32, copy=True)

        def guided(
            _model: UNetModel, _conds: object, x: Tensor, _sigmas: Tensor, options: dict[str, Any]
        ) -> list[Tensor]:
            with guider.using(options):
                prediction = predict(x.to(latents.dtype))
            return [model.model_sampling.calculate_denoised(sigma, prediction.float(), x)]

        def predict_noise(x: Tensor, sigmas: Tensor, options: dict[str, Any], _seed: int | None = None) -> Tensor:
            batch = guider.within(WrappersMP.CALC_COND_BATCH, guided, None)
            (denoised,) = batch.execute(model, [None], x, sigmas, options)
            return denoised

        within = guider.within(WrappersMP.PREDICT_NOISE, predict_noise, guider)
        denoised = within.execute(given, self._sigmas(latents, timestep), guider.model_options, None)
        return model.model_sampling.prediction(sigma, denoised, given).to(latents.dtype)

    def unet(self, unet: nn.Module, latents: Tensor, timestep: int, conditions: ClipConditions) -> Tensor:
        assert unet is self._model.diffusion_model, "nodes that replace the UNet refuse a model with the host's nodes"
        options = self._options(latents, timestep, conditions)
        if not get_all_wrappers(WrappersMP.APPLY_MODEL, options):
            return self._model.run_unet(latents.clone(), timestep, conditions, options)
        given, sigmas = latents.float(), self._sigmas(latents, timestep)
        denoised = self._model.apply_model(given, sigmas, transformer_options=options, conditions=conditions)
        return self._model.model_sampling.prediction(sigmas[0], denoised, given).to(latents.dtype)

    def _sigmas(self, latents: Tensor, timestep: int) -> Tensor:
        """One for each row, as the host gives them."""
        return self._model.sigma(timestep, latents.device).expand(len(latents))

    def _options(self, latents: Tensor, timestep: int, conditions: ClipConditions) -> dict[str, Any]:
        rows = [UNCONDITIONAL, CONDITIONAL][-len(conditions.face_map) :]
        return self._guider.model_options["transformer_options"] | {
            "cond_or_uncond": rows,
            "uuids": [self._ids[len(rows), conditions.has_text]],
            "sigmas": self._sigmas(latents, timestep),
        }


def _check_unchanged(given: Sequence[object], found: Sequence[object], named: dict[str, object]) -> None:
    """The steps are Hallo2's own: what a wrapper passes on besides the noise would have no effect."""
    passed = dict(zip(OUTER_ARGUMENTS, found, strict=False)) | named
    changed = [
        name for name, own in zip(OUTER_ARGUMENTS, given, strict=True) if name in passed and passed[name] is not own
    ]
    if changed:
        raise SettingsError(
            f"A ComfyUI node between 'Model to ComfyUI' and 'Model from ComfyUI' changes {', '.join(changed)} of the "
            f"sampling, which Hallo2's own steps do not use. Remove that node."
        )
