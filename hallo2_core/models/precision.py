"""The dtypes each network computes well in."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class PrecisionNeeds:
    """dtypes: of the arithmetic, best first; float32, which every device has, is the last resort.

    parameters: of the largest network that is on the device at once. is_diffusion: what people set for diffusion models
    in general is meant for this one too.
    """

    dtypes: tuple[torch.dtype, ...]
    parameters: int
    is_diffusion: bool


# The release runs in float16.
HALLO2_PRECISION = PrecisionNeeds(
    (torch.float16, torch.bfloat16, torch.float32), parameters=1_520_000_000, is_diffusion=True
)
# Trained weights of this family exceed float16's range: the pictures turn black or gray.
UPSCALER_PRECISION = PrecisionNeeds((torch.bfloat16, torch.float32), parameters=113_000_000, is_diffusion=False)
