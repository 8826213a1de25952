"""Weights generated from names and shapes alone: the same tensors on every machine, no file, no download.

Used by the golden cases, the tests and new text adapters. Each tensor is drawn from numpy's legacy generator (whose
stream is frozen), seeded with the CRC-32 of its key, by uniform draws only, so that the result does not depend on libm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn

# Layers that training initializes with zeros; here they get ordinary values, half as large.
STARTS_AT_ZERO = (
    "zero_conv_full",
    "zero_conv_face",
    "zero_conv_lip",
    "face_locator.conv_out",
    "temporal_transformer.proj_out",
)


def seeded_tensor(key: str, shape: Iterable[int], salt: int = 0) -> Tensor:
    """One float32 tensor. `key` includes its prefix, such as `denoising_unet.`; another salt gives another draw."""
    shape = tuple(shape)
    if key.endswith("pos_encoder.pe"):
        return sinusoidal_positions(shape[1], shape[2]).unsqueeze(0)
    mean, std = _mean_and_std(key, shape)
    seed = crc32((f"{key}|{salt}" if salt else key).encode())
    draws = np.random.RandomState(seed).random_sample(math.prod(shape))
    draws -= 0.5
    draws *= std * math.sqrt(12.0)  # a uniform draw of width one has variance 1/12
    if mean:
        draws += mean
    return torch.from_numpy(draws.astype(np.float32)).reshape(shape)


def seeded_state_dict(shapes: Mapping[str, Iterable[int]], salt: int = 0, prefix: str = "") -> dict[str, Tensor]:
    """Tensors for every key of `shapes`. `prefix` is prepended to each key for the draw, not in the result."""
    return {key: seeded_tensor(prefix + key, shape, salt) for key, shape in shapes.items()}


def fill_with_seeded_weights(module: nn.Module, prefix: str, salt: int = 0) -> None:
    """Load seeded weights into a module on any device (including meta), in the module's dtype."""
    own = module.state_dict()
    drawn = {key: seeded_tensor(prefix + key, tensor.shape, salt).to(tensor.dtype) for key, tensor in own.items()}
    module.load_state_dict(drawn, strict=True, assign=True)
    module.requires_grad_(False)


def sinusoidal_positions(length: int, width: int) -> Tensor:
    """(length width): even channels sine, odd channels cosine, base 10000."""
    position = torch.arange(length, dtype=torch.float32).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
    table = torch.zeros(length, width)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)
    return table


def _mean_and_std(key: str, shape: tuple[int, ...]) -> tuple[float, float]:
    name = key.rsplit(".", 1)[-1]
    if name in ("weight_g", "original0"):  # the magnitude of a weight-normed layer
        return 1.0, 0.1
    if key == "quantize.embedding.weight":  # the upscaler's codebook
        return 0.0, 1.0
    if key == "position_emb":
        return 0.0, 0.5
    if len(shape) >= 2:
        gain = 0.5 if any(part in key for part in STARTS_AT_ZERO) else 1.0
        return 0.0, gain / math.sqrt(math.prod(shape[1:]))
    if name == "weight":  # the scale of a norm
        return 1.0, 0.1
    return 0.0, 0.05
