"""RGB to YCbCr: BT.709, limited range, 4:2:0 (one chroma sample for two by two pixels).

Not left to libswscale, whose versions differ by a level or more, in deep color by several. Every step is one float32
operation, rounded once, so every device gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# ITU-R BT.709: weights of red and blue in luma (green is the rest), and the limited range's levels in 8 bits.
RED, BLUE = 0.2126, 0.0722
GREEN = 1.0 - RED - BLUE
BLACK, LUMA_LEVELS = 16, 219
GREY, CHROMA_LEVELS = 128, 224


@dataclass(frozen=True)
class Planes:
    """A frame in the encoder's format: Y, Cb, Cr one after the other in one tensor, moved by one copy.

    samples: (1.5 · height · width), uint8 for 8 bits, int16 for 10.
    """

    samples: Tensor
    height: int
    width: int

    def split(self) -> tuple[Tensor, Tensor, Tensor]:
        """Y (h w), Cb and Cr (h/2 w/2), as views."""
        luma, chroma = self.height * self.width, self.height * self.width // 4
        y, cb, cr = self.samples.split([luma, chroma, chroma])
        half = self.height // 2, self.width // 2
        return y.unflatten(0, (self.height, self.width)), cb.unflatten(0, half), cr.unflatten(0, half)


def to_bytes_as_released(frames: Tensor) -> Tensor:
    """Any shape, 0..1 → uint8. As in the original: clip(x · 255), then truncate, not round (quirk 23)."""
    return (frames.float() * 255.0).clamp_(0.0, 255.0).to(torch.uint8)


def to_planes(frame: Tensor, bit_depth: int) -> Planes:
    """frame: (h w 3), 0..1 or uint8, h and w even. Stays on its device."""
    height, width = frame.shape[:2]
    dtype = torch.uint8 if bit_depth == 8 else torch.int16
    planes = Planes(torch.empty(height * width * 3 // 2, dtype=dtype, device=frame.device), height, width)
    for plane, numbers in zip(planes.split(), to_yuv420(frame, bit_depth), strict=True):
        plane.copy_(numbers)
    return planes


def to_yuv420(frame: Tensor, bit_depth: int) -> tuple[Tensor, Tensor, Tensor]:
    """frame: (h w 3), 0..1 or uint8, h and w even. Returns Y (h w), Cb and Cr (h/2 w/2), whole numbers as float32.

    Plane by plane and in place: this is bound by memory bandwidth.
    """
    rgb = divide_(frame.float(), 255.0) if frame.dtype == torch.uint8 else frame.float().clamp(0.0, 1.0)
    red, green, blue = rgb.unbind(-1)
    luma = (RED * red).add_(GREEN * green).add_(BLUE * blue)
    scale = 2 ** (bit_depth - 8)
    cb, cr = (
        _sited_left(divide_(colour - luma, 2.0 * (1.0 - weight))).mul_(CHROMA_LEVELS).add_(GREY).mul_(scale).round_()
        for colour, weight in ((blue, BLUE), (red, RED))
    )
    return luma.mul_(LUMA_LEVELS).add_(BLACK).mul_(scale).round_(), cb, cr


def divide_(numbers: Tensor, divisor: float) -> Tensor:
    """In place, correctly rounded on every device: dividing by a scalar, GPUs multiply by its reciprocal."""
    return numbers.div_(numbers.new_full((), divisor))


def _sited_left(chroma: Tensor) -> Tensor:
    """(h w) → (h/2 w/2), sited as H.264 and H.265 expect: on every even column, midway between two rows."""
    rows = (chroma[0::2] + chroma[1::2]).mul_(0.5)
    right = rows[:, 1::2]
    left = torch.cat((rows[:, :1], right[:, :-1]), dim=1)
    return (0.5 * rows[:, 0::2]).add_(left.add_(right).mul_(0.25))
