"""The dtypes in which each network computes accurately."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class PrecisionNeeds:
    """dtypes: of the arithmetic, best first; float32, which every device supports, comes last.

    parameters: of the largest network on the device at once. is_diffusion: general settings for diffusion models apply
    to this one.
    """

    dtypes: tuple[torch.dtype, ...]
    parameters: int
    is_diffusion: bool


# The release runs in float16.
HALLO2_PRECISION = PrecisionNeeds(
    (torch.float16, torch.bfloat16, torch.float32), parameters=1_520_000_000, is_diffusion=True
)
# Trained weights of this family exceed float16's range: the output turns black or gray.
UPSCALER_PRECISION = PrecisionNeeds((torch.bfloat16, torch.float32), parameters=113_000_000, is_diffusion=False)
