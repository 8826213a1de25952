"""Cut a face out upright, aligned as the codebook's training faces, and paste it back with a soft edge.

Coordinates are those of `portrait.similarity`: continuous, the center of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..portrait import similarity

# Alignment of FFHQ (arXiv 1812.04948), which the codebook was trained on: the square's side in distances between the
# eyes and from eyes to mouth, the larger of the two, and how far its center is shifted towards the mouth.
SIDE_IN_EYE_DISTANCES = 4.0
SIDE_IN_EYES_TO_MOUTH = 3.6
CENTRE_TOWARDS_MOUTH = 0.1

# In half sides of the pasted square: opaque within the first, transparent beyond the second.
OPAQUE_WITHIN, CLEAR_BEYOND = 0.75, 0.97
BICUBIC_REACH_PX = 2
STRIP_ROWS = 128  # pasted at once: at 4K, a whole face would take several times the frame's memory


def face_square(five_points: Tensor) -> Tensor:
    """five_points: (5 2): eyes, nose, corners of the mouth, the picture's left first; (x, y).

    Returns the square around the face as (5): center x, center y, logarithm of the side, and the direction (cos, sin)
    of its upper edge. These numbers can be averaged; see `square_to_picture`.
    """
    eyes, mouth = five_points[:2].mean(dim=0), five_points[3:].mean(dim=0)
    across, down = five_points[1] - five_points[0], mouth - eyes
    along = across + torch.stack([down[1], -down[0]])  # both define "right"
    side = max(SIDE_IN_EYE_DISTANCES * float(across.norm()), SIDE_IN_EYES_TO_MOUTH * float(down.norm()), 1.0)
    centre = eyes + CENTRE_TOWARDS_MOUTH * down
    direction = along / along.norm().clamp(min=1e-6)
    return torch.cat([centre, centre.new_tensor([math.log(side)]), direction]).float()


def square_to_picture(square: Tensor, side_px: int) -> Tensor:
    """(2 3): from pixels of the cut face to pixels of the picture."""
    angle = math.atan2(float(square[4]), float(square[3]))
    return similarity.from_square(square[:2], math.exp(float(square[2])), angle, side_px)


def cut_face(picture: Tensor, square: Tensor, side_px: int) -> Tensor:
    """picture: (h w 3), 0..1.  square: on the CPU. Returns (3 side side); the picture's edge is replicated."""
    whole = rearrange(picture, "h w c -> c h w")
    return warp(whole, square_to_picture(square, side_px), side_px, side_px).clamp(0.0, 1.0)


def paste_face(canvas: Tensor, face: Tensor, square: Tensor, scale: tuple[float, float]) -> None:
    """Blend `face` (3 s s) into canvas (H W 3), in place: at 4K a copy would cost more than the face.

    square: in the source's pixels, on the CPU.  scale: (x, y), from source to canvas. Pixels outside the square stay
    bit-identical.
    """
    side = face.shape[-1]
    to_canvas = square_to_picture(square, side) * torch.tensor(scale).unsqueeze(1)
    (left, right), (top, bottom) = _bounds(to_canvas, 0.0, side, side, 0, canvas.shape[:2])
    to_face = similarity.inverse(to_canvas)
    for start in range(top, bottom, STRIP_ROWS):
        strip = canvas[start : min(start + STRIP_ROWS, bottom), left:right]
        from_strip = _begun_at(to_face, left, start)
        drawn = rearrange(warp(face, from_strip, *strip.shape[:2]), "c h w -> h w c").clamp_(0.0, 1.0)
        x, y = similarity.pixel_places(from_strip, *strip.shape[:2], canvas.device)
        strip.lerp_(drawn, _opacity(_spread(x, 0, side), _spread(y, 0, side)).unsqueeze(-1))


def warp(picture: Tensor, to_picture: Tensor, height: int, width: int) -> Tensor:
    """Samples (c height width) of `picture` (c h w) at the positions that `to_picture` (2 3) maps each pixel to.

    Bicubic, after averaging where the result is coarser than the picture. Only the sampled region is read. Values that
    depend on `to_picture` alone are computed on the CPU, so the device is never synchronized.
    """
    coarser = max(float(torch.linalg.det(to_picture[:, :2]).abs().sqrt()), 1.0)
    margin = math.ceil(BICUBIC_REACH_PX * coarser) + 1
    (left, right), (top, bottom) = _bounds(to_picture, 0.5, height - 0.5, width - 0.5, margin, picture.shape[1:])
    part = picture[:, top:bottom, left:right].unsqueeze(0)
    if coarser > 1.0:
        smaller = [max(round(side / coarser), 1) for side in part.shape[2:]]
        part = F.interpolate(part, smaller, mode="bicubic", antialias=True)
    x, y = similarity.pixel_places(to_picture, height, width, picture.device)
    # Each row is a batch element, because only these are divided among the threads of a CPU.
    grid = torch.stack([_spread(x, left, right), _spread(y, top, bottom)], dim=-1).unsqueeze(1)
    rows = part.expand(height, -1, -1, -1)
    sampled = F.grid_sample(rows, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return rearrange(sampled, "h c 1 w -> c h w")


def _begun_at(transform: Tensor, left: int, top: int) -> Tensor:
    """The transform for coordinates counted from (left, top)."""
    shift = similarity.apply(transform, torch.tensor([[float(left), float(top)]]))
    return torch.cat([transform[:, :2], shift.mT], dim=1)


def _spread(places: Tensor, first: int, last: int) -> Tensor:
    """In place: `first` becomes -1, `last` 1."""
    return places.sub_(first).div_(last - first).mul_(2).sub_(1)


def _opacity(x: Tensor, y: Tensor) -> Tensor:
    """x, y: (h w), the square's edges at -1 and 1. Returns (h w): 1 in the center, falling smoothly to 0."""
    radius = (x.square().square_() + y.square().square_()).sqrt_().sqrt_()  # a square with rounded corners
    inside = ((CLEAR_BEYOND - radius) / (CLEAR_BEYOND - OPAQUE_WITHIN)).clamp_(0.0, 1.0)
    return inside * inside * (3 - 2 * inside)


def _bounds(
    transform: Tensor, first: float, last_y: float, last_x: float, margin: int, size: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The (left, right) and (top, bottom) in a picture of `size` (height, width) that points from (first, first) to
    (last_x, last_y) map to. The corners give the extremes, in floating point too: rounding is monotonic."""
    corners = torch.tensor([[first, first], [last_x, first], [first, last_y], [last_x, last_y]])
    x, y = similarity.apply(transform, corners).unbind(dim=-1)
    return _span(x, margin, size[1]), _span(y, margin, size[0])


def _span(values: Tensor, margin: int, size: int) -> tuple[int, int]:
    """The pixels from the smallest to the largest value, at least one, within 0..size."""
    first = min(max(math.floor(float(values.min())) - margin, 0), size - 1)
    last = max(min(math.ceil(float(values.max())) + margin, size), first + 1)
    return first, last
