"""Paste the animated crop back into the full picture it was cut from, with a soft edge."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PortraitError, SettingsError
from ..payloads import Box, Portrait
from .background import resample
from .face_detections import as_float

SAME_SHAPE = 0.01  # aspect ratios that differ by less are considered equal
MOST_FEATHER = 0.5


@dataclass(frozen=True)
class Place:
    """The crop's position on a canvas, and its opacity: 1 inside, 0 outside the box."""

    box: Box
    opacity: Tensor  # (h w 1) of the box


def find_place(portrait: Portrait, height: int, width: int, feather: float) -> Place:
    """height, width: of the canvas, which is the portrait's source, possibly resized.

    feather: width of the soft edge relative to the crop's shorter side; it lies inside the crop. Edges of the crop on
    an edge of the picture stay hard. Raises PortraitError for a different aspect ratio, SettingsError for the feather.
    """
    if not 0.0 <= feather <= MOST_FEATHER:
        raise SettingsError(f"The feather is {feather}; choose 0 (a hard edge) to {MOST_FEATHER} of the crop's side.")
    box = _box_on(portrait, height, width)
    feather_px = feather * min(box.width, box.height)
    rows = _ramp(box.height, feather_px, box.top > 0, box.bottom < height)
    columns = _ramp(box.width, feather_px, box.left > 0, box.right < width)
    return Place(box, (rows[:, None] * columns[None, :])[..., None])


def paste(canvas: Tensor, frame: Tensor, place: Place) -> Tensor:
    """canvas: (H W 3) uint8.  frame: (h w 3) uint8, the crop in any size.  Returns a new canvas.

    Pixels outside the place are bit-identical to the input's; where the crop is opaque and has the place's size, to the
    frame's.
    """
    box, opacity = place.box, place.opacity
    pasted = canvas.clone()
    part = pasted[box.top : box.bottom, box.left : box.right]
    drawn = resample(as_float(frame), box.height, box.width)
    mixed = (torch.lerp(as_float(part), drawn, opacity) * 255.0).round().to(torch.uint8)
    part.copy_(torch.where(opacity > 0, mixed, part))
    return pasted


def check_video_fits(portrait: Portrait, width: int, height: int) -> None:
    """Refuse a video that was not made from this portrait: its size may differ, its aspect ratio may not."""
    if not _is_one_shape(width / height, portrait.width / portrait.height):
        raise PortraitError(
            f"The video is {width}x{height} and the portrait {portrait.width}x{portrait.height}, which is a different "
            f"shape. Connect the portrait that the video was made from."
        )


def _box_on(portrait: Portrait, height: int, width: int) -> Box:
    """The crop's box in canvas pixels."""
    crop, (source_height, source_width) = portrait.crop, portrait.source.shape[:2]
    if 0 <= source_height - height <= 1 and 0 <= source_width - width <= 1:  # the same, or cropped to even sides
        return Box(crop.left, crop.top, min(crop.right, width), min(crop.bottom, height))
    if not _is_one_shape(width / height, source_width / source_height):
        raise PortraitError(
            f"The picture to paste into is {width}x{height}, but the portrait was cut from one of {source_width}x"
            f"{source_height}, which is a different shape. Use the picture that the portrait was made from."
        )
    x, y = width / source_width, height / source_height
    left, top = min(round(crop.left * x), width - 1), min(round(crop.top * y), height - 1)
    return Box(left, top, max(round(crop.right * x), left + 1), max(round(crop.bottom * y), top + 1))


def _is_one_shape(aspect: float, other: float) -> bool:
    return abs(aspect / other - 1.0) <= SAME_SHAPE


def _ramp(size: int, feather_px: float, at_start: bool, at_end: bool) -> Tensor:
    """(size): 1, rising smoothly from 0 over `feather_px` at the selected ends."""
    middles = torch.arange(size) + 0.5
    distance = torch.full((size,), float(size))
    if at_start:
        distance = torch.minimum(distance, middles)
    if at_end:
        distance = torch.minimum(distance, size - middles)
    rise = (distance / max(feather_px, 1e-6)).clamp(0.0, 1.0)
    return rise * rise * (3.0 - 2.0 * rise)
