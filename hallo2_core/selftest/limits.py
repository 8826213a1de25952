"""Allowed differences from the goldens, per kind of case and dtype.

float32: what independent implementations reach, with a margin (outputs have a standard deviation of 0.5 to 1.7).

float16 and bfloat16: two to three times what was measured for the shipped cases with weights and activations in that
dtype, on a CPU:

                network   full size   pipeline   long video   pictures   audio   upscaler   fused
    float16     0.021     0.0051      0.072      0.17         0.055      0.012   0.010      0.044
    bfloat16    0.16      0.045       0.61       1.5          0.33       0.089   0.094      0.47

float8_e4m3fn: the same for 8-bit weights and float32 arithmetic (`docs/precision.md`). Only the single-network
cases are meaningful there, because seeded pipelines diverge.

These are the largest differences over all values. Guidance of 3.5 multiplies the difference of two predictions, and a
long video continues from its own frames, so errors grow from step to step and from clip to clip. A float32 run on the
same device detects the errors for which these limits are too wide, such as a timestep off by one.
"""

from __future__ import annotations

import torch

# pipeline and long_video: latents between the steps. pictures: decoded, patch-dropped and re-encoded frames.
LIMITS = {
    torch.float32: {
        "network": 1e-4,
        "full_size": 5e-4,
        "pipeline": 1e-3,
        "long_video": 1e-3,
        "pictures": 1e-3,
        "audio": 1e-4,
        "upscaler": 1e-3,
        "upscaler_fused": 1e-2,
    },
    torch.float16: {
        "network": 4e-2,
        "full_size": 1e-2,
        "pipeline": 1.5e-1,
        "long_video": 3.5e-1,
        "pictures": 1.2e-1,
        "audio": 2.5e-2,
        "upscaler": 3e-2,
        "upscaler_fused": 1.5e-1,
    },
    torch.bfloat16: {
        "network": 3e-1,
        "full_size": 9e-2,
        "pipeline": 1.2,
        "long_video": 3.0,
        "pictures": 7e-1,
        "audio": 1.8e-1,
        "upscaler": 2e-1,
        "upscaler_fused": 1,
    },
    torch.float8_e4m3fn: {
        "network": 2.0,
        "full_size": 5e-1,
        "pipeline": 6.0,
        "long_video": 8.0,
        "pictures": 1.6,
        "audio": 1.8e-1,
        "upscaler": 1.0,
        "upscaler_fused": 18.0,
    },
}


def limit_for(kind: str, *dtypes: torch.dtype) -> float:
    """The largest absolute difference allowed. dtypes: of the arithmetic and of the weights; the coarsest counts."""
    return max(LIMITS[dtype][kind] for dtype in dtypes)
