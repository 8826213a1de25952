"""The face box, the face region and the three-region mask pyramid (quirk 22).

The release fills a box around the face and one around the lips, shrinks both to 64×64, blurs them, and separates
face, lips and everything else ("full" there, pose here) for the audio modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange, repeat
from PIL import Image
from torch import Tensor

from ..config import PIXELS_PER_LATENT
from ..payloads import Box, RegionMasks
from .opencv_compat import Bytes, blur_bytes, normalise_bytes, resize_bytes

MASK_SIDE = 64
LEVELS = 4
FACE_BLUR = 51  # pixels of the 64×64 mask
LIP_BLUR = 31
FACE_EXPAND = 1.2
LIP_EXPAND = 2.0

# Point indices in MediaPipe's face mesh.
FACE_OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375)


@dataclass(frozen=True)
class SoftMasks:
    """The three regions, blurred and separated as in the release: each (64 64), whatever the picture's size."""

    pose: Bytes
    face: Bytes
    lip: Bytes
    blurred_face: Bytes  # the face before the lips are subtracted; pose is its complement


def expanded_box(points: Tensor, expand: float, height: int, width: int) -> Box:
    """A box `expand` times that of the points (n 2; x, y in pixels), inside a height × width picture.

    As in the original: ends are rounded, center and half-sides are floored, and a box that crosses an edge is shifted
    inside. (A box larger than the picture is clamped to it; the original fills a wrong strip then.)
    """
    low, high = points.amin(dim=0).tolist(), points.amax(dim=0).tolist()
    left, right = _expanded(round(low[0]), round(high[0]), expand, width)
    top, bottom = _expanded(round(low[1]), round(high[1]), expand, height)
    return Box(left, top, right, bottom)


def _expanded(low: int, high: int, expand: float, limit: int) -> tuple[int, int]:
    middle = (low + high) // 2
    half = int((high - low) * expand // 2)
    low, high = middle - half, middle + half
    if low < 0:
        low, high = 0, high - low
    if high > limit:  # as in the original: the far edge is checked second
        low, high = low - (high - limit), limit
    return max(low, 0), high


def filled_box(box: Box, height: int, width: int) -> Bytes:
    """(h w): 255 inside the box, 0 outside."""
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[box.top : box.bottom, box.left : box.right] = 255
    return mask


def soft_masks(face_mask: Bytes, lip_mask: Bytes) -> SoftMasks:
    """face_mask, lip_mask: (h w), the filled boxes at the size of the picture.

    A face that covers the whole picture is kept; in the release, min-max normalization makes a constant mask zero.
    """
    face = _softened(face_mask, FACE_BLUR)
    lip = _softened(lip_mask, LIP_BLUR)
    without_lips = np.where(face > lip, face - lip, 0).astype(np.uint8)
    return SoftMasks(pose=background_of(face), face=without_lips, lip=lip, blurred_face=face)


def _softened(mask: Bytes, kernel: int) -> Bytes:
    blurred = blur_bytes(resize_bytes(mask, MASK_SIDE, MASK_SIDE), kernel)
    return blurred if blurred.min() == blurred.max() else normalise_bytes(blurred)


def background_of(face: Bytes) -> Bytes:
    """As in the original: (1 - face / 255) × 255 in float64, truncated, so 50 of the 256 values are one too low."""
    return ((1.0 - face / 255.0) * 255.0).astype(np.uint8)


def mask_pyramid(soft: SoftMasks, height: int, width: int) -> RegionMasks:
    """Each region at the four latent scales of a height × width video (multiples of 64)."""
    return RegionMasks(
        pose=_levels(soft.pose, height, width),
        face=_levels(soft.face, height, width),
        lip=_levels(soft.lip, height, width),
    )


def _levels(mask: Bytes, height: int, width: int) -> tuple[Tensor, ...]:
    steps = [PIXELS_PER_LATENT << level for level in range(LEVELS)]
    resized = (resize_antialiased(mask, height // step, width // step) for step in steps)
    return tuple(rearrange(torch.from_numpy(level).float() / 255.0, "h w -> (h w)") for level in resized)


def face_region(face_mask: Bytes, height: int, width: int) -> Tensor:
    """(3 h w), 0..1: the unblurred face box at the video's size, for the face locator and patch drop."""
    resized = torch.from_numpy(resize_antialiased(face_mask, height, width)).float() / 255.0
    return repeat(resized, "h w -> c h w", c=3)


def resize_antialiased(picture: Bytes, height: int, width: int) -> Bytes:
    """Pillow's bilinear, which is antialiased when downscaling. picture: (h w) or (h w c) uint8."""
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
