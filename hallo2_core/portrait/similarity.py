"""Similarity transforms (rotation, scale, translation): fitted to points, used to sample an aligned face.

Coordinates are continuous: x to the right, y down, the center of the first pixel is (0.5, 0.5). A transform is a
(2 3) matrix; `apply` gives matrix × (x, y, 1).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def apply(transform: Tensor, points: Tensor) -> Tensor:
    """transform: on the CPU.  points: (… 2), on any device.  Returns (… 2), there.

    Written out, because GPUs may compute matrix products in TF32, an error of two pixels in 4096.
    """
    (x_by_x, x_by_y, x_shift), (y_by_x, y_by_y, y_shift) = transform.tolist()
    x, y = points.unbind(dim=-1)
    return torch.stack([x * x_by_x + y * x_by_y + x_shift, x * y_by_x + y * y_by_y + y_shift], dim=-1)


def pixel_places(
    transform: Tensor, height: int, width: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """x and y, (height width) each, of the position that the center of each pixel is mapped to."""
    (x_by_x, x_by_y, x_shift), (y_by_x, y_by_y, y_shift) = transform.tolist()
    x = torch.arange(width, device=device) + 0.5
    y = torch.arange(height, device=device).unsqueeze(1) + 0.5
    return (x * x_by_x + y * x_by_y).add_(x_shift), (x * y_by_x + y * y_by_y).add_(y_shift)


def fit(source: Tensor, target: Tensor) -> Tensor:
    """(2 3): the least-squares transform from `source` (n 2) to `target` (n 2), without reflection."""
    start, end = source - source.mean(dim=0), target - target.mean(dim=0)
    along = (start * end).sum()
    across = (start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]).sum()
    a, b = along / start.square().sum(), across / start.square().sum()
    turn = torch.stack([torch.stack([a, -b]), torch.stack([b, a])])
    return torch.cat([turn, (target.mean(dim=0) - turn @ source.mean(dim=0)).unsqueeze(1)], dim=1)


def inverse(transform: Tensor) -> Tensor:
    """(2 3): the inverse transform."""
    back = torch.linalg.inv(transform[:, :2])
    return torch.cat([back, (-back @ transform[:, 2]).unsqueeze(1)], dim=1)


def from_square(centre: Tensor, side: float, angle: float, pixels: int) -> Tensor:
    """(2 3): from a picture of pixels × pixels to a square in the source, rotated by `angle` radians (x towards y)."""
    scale = side / pixels
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = torch.tensor([[cos, -sin], [sin, cos]])
    return torch.cat([turn, (centre - turn @ torch.full((2,), pixels / 2)).unsqueeze(1)], dim=1)


def sample(picture: Tensor, to_source: Tensor, height: int, width: int, beyond: str = "zeros") -> Tensor:
    """Bilinear samples (c height width) of `picture` (c h w) at the positions to which `to_source` maps each pixel.

    beyond: padding outside the picture, "zeros" or "border" (the edge is repeated).
    """
    x, y = pixel_places(to_source, height, width)
    grid = torch.stack([x / picture.shape[2] * 2 - 1, y / picture.shape[1] * 2 - 1], dim=-1).unsqueeze(0)
    found = F.grid_sample(picture.unsqueeze(0), grid, mode="bilinear", padding_mode=beyond, align_corners=False)
    return found.squeeze(0)
