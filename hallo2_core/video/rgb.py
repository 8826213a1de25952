"""Decoded frames as RGB, with the matrix and range that their file declares."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import av

# Height from which untagged video is treated as BT.709, as players do.
HD_HEIGHT_PX = 720
# Matrix coefficients as files tag them (ITU-T H.273); libswscale uses the same numbers.
BT709, BT601 = 1, 6
KNOWN_MATRICES = (BT709, 4, 5, BT601, 7, 9, 10)
LIMITED_RANGE, FULL_RANGE = 1, 2
# Conversion without libswscale's shortcuts, which are off by several levels.
EXACT = (
    0x4  # SWS_BICUBIC
    | 0x2000  # SWS_FULL_CHR_H_INT
    | 0x4000  # SWS_FULL_CHR_H_INP
    | 0x40000  # SWS_ACCURATE_RND
    | 0x80000  # SWS_BITEXACT
)


def rgb_of(frame: av.VideoFrame, pixel_aspect: Fraction) -> Tensor:
    """(h w 3) uint8. pixel_aspect: width over height of a stored pixel; the result's are square."""
    # Everything is explicit: older PyAV ignores a frame's tags, and the source's matrix too if source and destination
    # have the same one. RGB has no matrix; the destination's only has to differ.
    matrix = frame.colorspace
    if matrix not in KNOWN_MATRICES:
        matrix = BT709 if frame.height >= HD_HEIGHT_PX else BT601
    is_full_range = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    rgb = frame.reformat(
        max(round(frame.width * pixel_aspect), 1),
        frame.height,
        format="rgb24",
        interpolation=EXACT,
        src_colorspace=int(matrix),
        dst_colorspace=BT601 if matrix == BT709 else BT709,
        src_color_range=FULL_RANGE if is_full_range else LIMITED_RANGE,
        dst_color_range=FULL_RANGE,
    )
    return torch.from_numpy(rgb.to_ndarray())
