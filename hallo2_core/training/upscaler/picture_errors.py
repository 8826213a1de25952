"""The loss of a drawn face against the true one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..pyramid import pyramid_distance


def picture_errors(
    drawn: Tensor, true: Tensor, place_px: int, square_weight: float, color_weight: float
) -> dict[str, Tensor]:
    """drawn, true: (b 3 h w).  place_px: the side of a code's place, whose mean colors are compared as well."""
    errors = {
        "pyramid": pyramid_distance(drawn, true),
        "square": F.mse_loss(drawn, true),
        "color": F.avg_pool2d(drawn - true, place_px).abs().mean(),
    }
    loss = errors["pyramid"] + square_weight * errors["square"] + color_weight * errors["color"]
    return {"loss": loss, **errors}
