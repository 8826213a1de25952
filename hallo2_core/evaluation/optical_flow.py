"""Dense optical flow: Lucas and Kanade (1981) from coarse to fine, in plain torch.

The motion of a talking head is smooth and small, so a window of the surroundings determines it almost everywhere.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

COARSEST_PX = 16  # the shorter side of the smallest pyramid level
PASSES = 4  # corrections per level
WINDOW_SIGMA_PX = 2.0
STEADY = 1e-4  # added to the diagonal: where nothing has an edge, the flow is that of the coarser level
FURTHEST_STEP_PX = 1.0  # of one correction
SLOPE = (-0.5, 0.0, 0.5)


def optical_flow(to: Tensor, source: Tensor) -> Tensor:
    """to, source: (b 1 h w), luminance in 0..1.  Returns (b 2 h w), x and y in pixels: `warped(source, flow)` is
    nearest to `to`."""
    levels = [(to, source)]
    while min(levels[-1][0].shape[-2:]) >= 2 * COARSEST_PX:
        levels.append(tuple(_halved(picture) for picture in levels[-1]))
    coarsest = levels[-1][0]
    flow = coarsest.new_zeros(len(to), 2, *coarsest.shape[-2:])
    for target, moving in reversed(levels):
        flow = _enlarged(flow, target.shape[-2], target.shape[-1])
        for _ in range(PASSES):
            flow = _smooth(flow + _correction(target, warped(moving, flow)))
    return flow


def warped(picture: Tensor, flow: Tensor) -> Tensor:
    """picture: (b c h w).  flow: (b 2 h w).  The value at each position plus its flow; edges are repeated."""
    height, width = picture.shape[-2:]
    places = _positions(flow) + flow
    size = rearrange(flow.new_tensor([width, height]), "xy -> 1 xy 1 1")
    grid = rearrange((places + 0.5) / size * 2 - 1, "b xy h w -> b h w xy")
    return F.grid_sample(picture, grid, mode="bicubic", padding_mode="border", align_corners=False)


def is_inside(flow: Tensor) -> Tensor:
    """(b 1 h w) bool: where the flow leads to a position within the picture."""
    height, width = flow.shape[-2:]
    x, y = (_positions(flow) + flow).split(1, dim=1)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _correction(target: Tensor, moved: Tensor) -> Tensor:
    """The step that takes `moved` to `target`, by least squares over the window around each position."""
    average = (target + moved) / 2
    slope_x, slope_y = _derivative(average, (1, 3)), _derivative(average, (3, 1))
    apart = target - moved
    products = [slope_x * slope_x, slope_x * slope_y, slope_y * slope_y, slope_x * apart, slope_y * apart]
    xx, xy, yy, xd, yd = _smooth(torch.cat(products, dim=1)).split(1, dim=1)
    xx, yy = xx + STEADY, yy + STEADY
    determinant = xx * yy - xy * xy
    step = torch.cat([yy * xd - xy * yd, xx * yd - xy * xd], dim=1) / determinant
    return step.clamp(-FURTHEST_STEP_PX, FURTHEST_STEP_PX)


def _derivative(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    kernel = picture.new_tensor(SLOPE).reshape(1, 1, *shape)
    padded = F.pad(picture, (shape[1] // 2, shape[1] // 2, shape[0] // 2, shape[0] // 2), mode="replicate")
    return F.conv2d(padded, kernel)


def _smooth(planes: Tensor) -> Tensor:
    """planes: (b c h w), each blurred by a Gaussian."""
    reach = round(2 * WINDOW_SIGMA_PX)
    distances = torch.arange(-reach, reach + 1, device=planes.device, dtype=planes.dtype)
    weights = torch.exp(-(distances**2) / (2 * WINDOW_SIGMA_PX**2))
    weights = (weights / weights.sum()).expand(planes.shape[1], 1, -1)
    padded = F.pad(planes, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, rearrange(weights, "c 1 n -> c 1 1 n"), groups=planes.shape[1])
    return F.conv2d(across, rearrange(weights, "c 1 n -> c 1 n 1"), groups=planes.shape[1])


def _halved(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    return F.interpolate(picture, (height // 2, width // 2), mode="bilinear", antialias=True, align_corners=False)


def _enlarged(flow: Tensor, height: int, width: int) -> Tensor:
    scale = rearrange(flow.new_tensor([width / flow.shape[-1], height / flow.shape[-2]]), "xy -> 1 xy 1 1")
    return F.interpolate(flow, (height, width), mode="bilinear", align_corners=False) * scale


def _positions(flow: Tensor) -> Tensor:
    """(1 2 h w): x, y of each pixel."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=flow.dtype),
        torch.arange(width, device=flow.device, dtype=flow.dtype),
        indexing="ij",
    )
    return torch.stack([x, y]).unsqueeze(0)
