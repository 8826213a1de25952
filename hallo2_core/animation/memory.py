"""Memory needed to render a video, at any length, and whether the device has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..config import UNetConfig
from ..errors import SettingsError
from ..models.attention_recorder import WORKING_BYTES
from ..models.layers import compute_dtype_of
from ..offload import bytes_of

if TYPE_CHECKING:
    from ..models.hallo2_models import Hallo2Models
    from ..payloads import Portrait
    from ..runtime import DeviceMemory
    from .inputs import AnimationInputs
    from .motion_settings import ClipConfig

GIBIBYTE = 2**30
# Alive beside the weights in a guided step of the released model in fp16: FIXED_BYTES at any size (merged projections,
# one piece of a feed-forward layer) and STEP_BYTES for 16 frames at 512×512. An upper bound: what
# tests/bench/memory_step.py counts is 0.71 GiB at 256×256, 1.63 at 512×512 and 6.07 at 1024×1024.
FIXED_BYTES, STEP_BYTES = 0.34 * GIBIBYTE, 1.48 * GIBIBYTE
STEP_FRAMES, STEP_PIXELS = 16, 512 * 512
SHORTAGE_ADVICE = (
    "Choose a smaller size or lower-precision weights (fp16, fp8), or close other programs that use the device."
)
STEP_WIDTH = UNetConfig().block_widths[0]


@dataclass(frozen=True)
class MemoryNeed:
    """The peak memory."""

    weights_bytes: int
    largest_network_bytes: int  # of networks in use at the same time, if idle ones are moved off the device
    largest_layer_bytes: int  # if networks are loaded in parts
    working_bytes: float

    def __str__(self) -> str:
        return (
            f"at most {_gib(self.weights_bytes + self.working_bytes)} of memory at once, {_gib(self.weights_bytes)} of "
            f"it for the networks"
        )


def memory_need(inputs: AnimationInputs, *others: nn.Module) -> MemoryNeed:
    """others: networks besides the model's own."""
    models = inputs.models
    networks = (*models.networks, *others)
    at_once = [(network,) for network in networks] + [(models.audio_projection, models.reference_net)]
    layers = (module for network in networks for module in network.modules())
    return MemoryNeed(
        weights_bytes=sum(map(bytes_of, networks)),
        largest_network_bytes=max(sum(map(bytes_of, group)) for group in at_once),
        largest_layer_bytes=max(sum(weight.nbytes for weight in layer.parameters(recurse=False)) for layer in layers),
        working_bytes=step_bytes(inputs),  # nothing else in a clip needs as much
    )


def step_bytes(inputs: AnimationInputs) -> float:
    """Memory for one denoising step, beside the weights."""
    return sampling_bytes(inputs.models, inputs.reference.portrait, inputs.motion.clip)


def sampling_bytes(models: Hallo2Models, portrait: Portrait, clip: ClipConfig) -> float:
    """The same, before a reference exists."""
    precision = compute_dtype_of(models.denoising_unet).itemsize / torch.float16.itemsize
    size = portrait.width * portrait.height / STEP_PIXELS
    width = models.config.unet.block_widths[0] / STEP_WIDTH
    return precision * width * (FIXED_BYTES + STEP_BYTES * size * clip.frames / STEP_FRAMES)


def recorded_step_bytes(inputs: AnimationInputs) -> float:
    """As `step_bytes`, while attention is recorded."""
    return step_bytes(inputs) + WORKING_BYTES


def check_memory(need: MemoryNeed, memory: DeviceMemory | None) -> None:
    """Refuse a video that does not fit. Raises SettingsError with the available and the required memory."""
    if memory is None:
        return
    weights, networks = {
        "every network": (need.weights_bytes, "the networks"),
        "one network": (need.largest_network_bytes, "the largest of the networks"),
        "one layer": (need.largest_layer_bytes, "the largest layer of the networks"),
    }[memory.at_once]
    if weights + need.working_bytes > memory.bytes:
        raise SettingsError(
            f"This video size needs {_gib(need.working_bytes)} of working memory beside {_gib(weights)} for "
            f"{networks}, and the device has {_gib(memory.bytes)} for both. Choose a smaller size, or fp16 if the "
            f"device supports it."
        )


def _gib(size: float) -> str:
    return f"{size / GIBIBYTE:.1f} GiB"
