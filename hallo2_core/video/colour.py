"""Pictures to the numbers that a video holds: BT.709, limited range, one chroma sample for two by two pixels.

Written out rather than left to libswscale, whose versions differ by a level or more, and in deep colour by several.
"""

from __future__ import annotations

import torch
from torch import Tensor

# ITU-R BT.709: what red and blue weigh in luma (green the rest), and the limited range's levels in 8 bits.
RED, BLUE = 0.2126, 0.0722
GREEN = 1.0 - RED - BLUE
BLACK, LUMA_LEVELS = 16, 219
GREY, CHROMA_LEVELS = 128, 224


def to_bytes_as_released(frames: Tensor) -> Tensor:
    """Any shape, 0..1 → uint8. As in the original: clip(x · 255), then truncate, not round (quirk 23)."""
    return (frames.float() * 255.0).clamp_(0.0, 255.0).to(torch.uint8)


def to_yuv420(frame: Tensor, bit_depth: int) -> tuple[Tensor, Tensor, Tensor]:
    """frame: (h w 3), 0..1 or uint8, h and w even. Returns Y (h w), Cb and Cr (h/2 w/2), whole numbers as float32.

    Plane by plane and in place: most of the time here goes into memory.
    """
    rgb = frame.float().div_(255.0) if frame.dtype == torch.uint8 else frame.float().clamp(0.0, 1.0)
    red, green, blue = rgb.unbind(-1)
    luma = (RED * red).add_(GREEN * green).add_(BLUE * blue)
    scale = 2 ** (bit_depth - 8)
    cb, cr = (
        _sited_left((colour - luma).div_(2.0 * (1.0 - weight))).mul_(CHROMA_LEVELS).add_(GREY).mul_(scale).round_()
        for colour, weight in ((blue, BLUE), (red, RED))
    )
    return luma.mul_(LUMA_LEVELS).add_(BLACK).mul_(scale).round_(), cb, cr


def _sited_left(chroma: Tensor) -> Tensor:
    """(h w) → (h/2 w/2), where H.264 and H.265 expect it: on every even column, midway between two rows."""
    rows = (chroma[0::2] + chroma[1::2]).mul_(0.5)
    right = rows[:, 1::2]
    left = torch.cat((rows[:, :1], right[:, :-1]), dim=1)
    return (0.5 * rows[:, 0::2]).add_(left.add_(right).mul_(0.25))
