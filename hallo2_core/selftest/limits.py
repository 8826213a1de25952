"""How far from the goldens a result may be, per kind of case and dtype.

float32: what independent implementations reach, with some room (outputs have a standard deviation of 0.5 to 1.7).
float16 and bfloat16: measured on the seeded networks, with some room; rounding of the weights alone moves results by
about 2^-11 and 2^-8 of their size, and a pipeline adds up its steps.
"""

from __future__ import annotations

import torch

LIMITS = {
    torch.float32: {
        "network": 1e-4, "full_size": 5e-4, "pipeline": 1e-3, "audio": 1e-4, "upscaler": 1e-3, "upscaler_fused": 1e-2,
    },
    torch.float16: {
        "network": 2e-2, "full_size": 5e-2, "pipeline": 1e-1, "audio": 2e-2, "upscaler": 3e-2,
        "upscaler_fused": 1.5e-1,
    },
    torch.bfloat16: {
        "network": 1.5e-1, "full_size": 4e-1, "pipeline": 8e-1, "audio": 1.5e-1, "upscaler": 2e-1,
        "upscaler_fused": 1,
    },
}


def limit_for(kind: str, dtype: torch.dtype) -> float:
    """The largest absolute difference allowed."""
    return LIMITS[dtype][kind]
