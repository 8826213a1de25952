"""The host's attention, as the core's `AttentionFunction`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import comfy.ldm.modules.attention as host
import comfy.model_management as mm
import torch
from torch import Tensor

from ...hallo2_core.models.attention_function import in_batches

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Limits:
    """A kernel's limits. The host only finds out by calling it: an error in its log and a fallback, every time."""

    head_width: int
    dtypes: tuple[torch.dtype, ...] = (*HALF, torch.float32)


LIMITS = {
    "attention_sage": Limits(128, HALF),
    "attention_flash": Limits(256, HALF),
    "attention_comfy_kitchen_int8": Limits(256),
}


@dataclass(frozen=True, eq=False, repr=False)
class HostAttention:
    """The kernel that ComfyUI was started with, if it supports the head width and dtype; else PyTorch's.

    transformer_options: as in the host's own models. An "optimized_attention_override" in them replaces the kernel.
    Networks built together share them; they are read at every call.
    """

    transformer_options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        kernel = kernel_for(q.device, q.dtype, q.shape[-1] // heads)
        return in_batches(partial(kernel, transformer_options=self.transformer_options), q, k, v, heads)

    @contextmanager
    def with_options(self, options: dict[str, Any]) -> Iterator[None]:
        """Inside, these are the options of all networks that were built together."""
        before = dict(self.transformer_options)
        self.transformer_options.update(options)
        try:
            yield
        finally:
            self.transformer_options.clear()
            self.transformer_options.update(before)

    def __repr__(self) -> str:
        """Part of a job's key: the name of the kernel, without a memory address."""
        override = self.transformer_options.get("optimized_attention_override")
        replaced = "" if override is None else f" replaced by {_name(override)}"
        return f"{_name(_chosen(mm.get_torch_device()))}{replaced}"


def kernel_for(device: torch.device, dtype: torch.dtype, head_width: int) -> Callable[..., Tensor]:
    kernel = _chosen(device)
    limits = _limits_of(kernel)
    if limits is None or (head_width <= limits.head_width and dtype in limits.dtypes):
        return kernel
    return partial(
        host.attention_pytorch, low_precision_attention=False
    )  # so that an override does not quantize either


def _limits_of(kernel: Callable[..., Tensor]) -> Limits | None:
    """By identity: torch.compile cannot read a function's name."""
    for name, limits in LIMITS.items():
        if kernel is getattr(host, name, None):
            return limits
    return None


def _chosen(device: torch.device) -> Callable[..., Tensor]:
    """On the CPU, PyTorch's fused kernel: the host's choice would split queries to save memory."""
    return host.attention_pytorch if device.type == "cpu" else host.optimized_attention


def _name(function: Callable) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)
