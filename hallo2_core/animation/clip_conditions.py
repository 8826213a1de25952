"""Conditions of the denoising UNet: the portrait once per video, the rest once per clip."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..models.conditions import ClipConditions, PortraitConditions
from ..models.layers import compute_dtype_of
from ..models.text_control import TextModulation
from ..runtime import Runtime
from .clip_schedule import ClipSchedule
from .inputs import AnimationInputs
from .reference_banks import motion_banks, reference_rows


class ClipConditioner:
    """Projects the portrait on construction, then one clip's motion frames, speech and prompts at a time."""

    def __init__(self, inputs: AnimationInputs, schedule: ClipSchedule, runtime: Runtime) -> None:
        self._inputs = inputs
        self._schedule = schedule
        self._runtime = runtime
        self._dtype = compute_dtype_of(inputs.models.denoising_unet)
        reference = inputs.reference
        cond_rows = slice(2 - schedule.cond_batch, None)
        runtime.ready(inputs.models.denoising_unet)
        self._face_tokens = self._to_device(reference.face_tokens[cond_rows])
        self._portrait: PortraitConditions = inputs.models.denoising_unet.portrait_conditions(
            reference.banks.rows(cond_rows).to(runtime.device, self._dtype),
            self._face_tokens,
            self._to_device(reference.face_map),
            reference.portrait.masks,
        )

    def clip(self, number: int, motion_latents: Tensor, windows: Tensor) -> ClipConditions:
        """motion_latents: (m 4 h w), after patch-drop and noise.  windows: (f window layers d)."""
        models, schedule = self._inputs.models, self._schedule
        self._runtime.ready(models.audio_projection, models.reference_net)
        audio_tokens = models.audio_projection(self._to_device(windows))
        banks = motion_banks(models.reference_net, self._to_device(motion_latents), self._face_tokens)
        text = self._text(number)
        self._runtime.ready(models.denoising_unet)
        rows = reference_rows(windows.shape[0], schedule.cond_batch, self._inputs.sampler.reference_banks)
        conditions = models.denoising_unet.clip_conditions(
            self._portrait,
            banks,
            audio_tokens,
            self._to_device(schedule.region_weights(number)),
            rows,
        )
        return conditions if text is None else conditions.with_text(text)

    def _text(self, number: int) -> Mapping[str, tuple[TextModulation, ...]] | None:
        """How the prompts modulate this clip. None if no prompt applies, or the adapter is zero and reads none: the
        clip is then bit-identical to one without prompts."""
        window, adapter = self._schedule.prompts(number), self._inputs.models.text_adapter
        if window is None:
            return None
        assert adapter is not None, "check_inputs refuses prompts without an adapter"
        if adapter.is_zero:
            return None
        self._runtime.ready(adapter.control)
        presence = window.presence * self._inputs.sampler.text_strength
        return adapter.control(self._to_device(window.embeddings), self._to_device(presence))

    def _to_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._runtime.device, self._dtype)
