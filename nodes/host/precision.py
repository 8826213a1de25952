"""The storage and compute dtypes of a network on the host's device."""

from __future__ import annotations

from functools import cache
from typing import Any

import comfy.model_management as mm
import comfy.ops
import torch
from torch import nn

from ...hallo2_core.errors import SettingsError
from ...hallo2_core.models.precision import PrecisionNeeds

# The loaders' choices. Saved workflows contain the names.
DTYPES = {
    "default": None,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp32": torch.float32,
    "fp8_e4m3": torch.float8_e4m3fn,
}


def storage_dtype(choice: str, needs: PrecisionNeeds) -> torch.dtype:
    """The dtype of the weights. 'default' is the host's choice for the device, among those that suit the network.

    Errors: SettingsError for an unknown choice, or a dtype that the device or the network cannot use.
    """
    if choice not in DTYPES:
        raise SettingsError(f"dtype is '{choice}'; choose one of {', '.join(DTYPES)}.")
    device = mm.get_torch_device()
    dtype = DTYPES[choice] or _default_dtype(needs, device)
    if dtype == torch.float8_e8m0fnu:
        raise SettingsError(
            "ComfyUI was started with --fp8_e8m0fnu-unet, a format without a sign. Start it with --fp8_e4m3fn-unet, or "
            "choose another dtype than 'default'."
        )
    if dtype != torch.float64 and not mm.supports_cast(device, dtype):
        raise SettingsError(f"{device} cannot hold weights in {dtype}. Choose fp16 or fp32.")
    return dtype


def compute_dtype(storage: torch.dtype, needs: PrecisionNeeds) -> torch.dtype:
    """The compute dtype: that of the weights if the device supports it well, else the best available."""
    return mm.unet_manual_cast(storage, mm.get_torch_device(), list(needs.dtypes)) or storage


def host_layers(storage: torch.dtype, compute: torch.dtype) -> Any:  # noqa: ANN401 - a namespace of layers
    """The layers that the host uses for its own models."""
    return _with_own_linear(comfy.ops.pick_operations(storage, compute, load_device=mm.get_torch_device()))


def _default_dtype(needs: PrecisionNeeds, device: torch.device) -> torch.dtype:
    if needs.is_diffusion:
        return mm.unet_dtype(device, needs.parameters, list(needs.dtypes))
    fast = {torch.float16: mm.should_use_fp16, torch.bfloat16: mm.should_use_bf16}
    fitting = (dtype for dtype in needs.dtypes if dtype in fast and fast[dtype](device))
    return next(fitting, torch.float32)


@cache
def _with_own_linear(operations: Any) -> Any:  # noqa: ANN401 - a namespace of layers
    class Layers(operations):
        # These only cast if dtypes differ; others, chosen with --fast, round differently.
        arithmetic = "" if operations in (comfy.ops.disable_weight_init, comfy.ops.manual_cast) else operations.__name__

        class Linear(operations.Linear):
            """Newer hosts leave a linear layer without weights until they are loaded, except where a subclass loads
            them itself. Ours are made on the meta device, where they cost nothing, and have names and shapes from the
            start."""

            def _load_from_state_dict(self, *args: Any) -> None:  # noqa: ANN401 - torch's own signature
                nn.Module._load_from_state_dict(self, *args)

    return Layers
