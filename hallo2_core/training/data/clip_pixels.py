"""The frames of a clip, cropped around the face to the size of training."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from einops import rearrange
from torch import Tensor

from ...payloads import Box
from ...portrait.crop import choose_crop
from ...portrait.prepare import SOFT_ENLARGEMENT, cut
from ...portrait.region_masks import FACE_OUTLINE, LIPS, resize_antialiased
from ...portrait.subject import LARGEST_TRAINED_YAW
from ..clip_records import regions
from .clip_spans import ClipSpan
from .frame_rate import Position
from .skipped import FACE_TOO_SMALL, FACE_TURNED, Unusable


class ClipPixels:
    """A second reading of the video, behind the one that finds the faces: the crop of a clip is known only when its
    last frame has been seen, and its frames are too large to keep."""

    def __init__(self, pictures: Iterator[tuple[int, Tensor]], start: Position) -> None:
        self._pictures = enumerate((picture for _, picture in pictures), start=start.frame)

    def take(self, span: ClipSpan, resolution: int) -> tuple[Tensor, Box]:
        """(f 3 h w) uint8, and the crop in the video's pixels. Clips are taken in order.

        Errors: Unusable if the clip's face is too small, or turned too far.
        """
        frames: list[Tensor] = []
        crop: Box | None = None
        for number, picture in self._pictures:
            if number < span.start.frame:
                continue
            if crop is None:
                crop = clip_crop(span, *picture.shape[:2], resolution)
                check_clip(span, crop, resolution)
            part = cut(picture, crop).numpy()
            frames.append(torch.from_numpy(resize_antialiased(part, resolution, resolution)))
            if number + 1 == span.stop:
                break
        assert crop is not None and len(frames) == span.frames, "both readings give the same frames"
        return rearrange(torch.stack(frames), "f h w c -> f c h w").contiguous(), crop


def clip_crop(span: ClipSpan, height: int, width: int, resolution: int) -> Box:
    """As for a portrait, around the places that the face takes during the clip."""
    points = torch.cat([face.landmarks[list(FACE_OUTLINE)] for face in span.faces])
    low, high = points.amin(dim=0).tolist(), points.amax(dim=0).tolist()
    bounds = Box(*(round(x) for x in (*low, *high)))
    return choose_crop("auto", bounds, height, width, resolution, resolution)


def check_clip(span: ClipSpan, crop: Box, resolution: int) -> None:
    """Errors: Unusable, for this clip."""
    yaw = sum(abs(face.yaw_degrees) for face in span.faces) / span.frames
    if yaw > LARGEST_TRAINED_YAW:
        raise Unusable(FACE_TURNED, f"{yaw:.0f} degrees on average")
    if resolution / crop.height > SOFT_ENLARGEMENT:
        raise Unusable(
            FACE_TOO_SMALL, f"the crop around it has {crop.width}x{crop.height} px for {resolution}x{resolution}"
        )


def clip_regions(span: ClipSpan, crop: Box, resolution: int) -> tuple[Tensor, Tensor]:
    """(f 4) int32, the face boxes, and (f 3 l) uint8, the masks, in pixels of the crop at its new size."""
    corner = torch.tensor([crop.left, crop.top], dtype=torch.float32)
    scale = torch.tensor([resolution / crop.width, resolution / crop.height])
    boxes, masks = [], []
    for face in span.faces:
        points = (face.landmarks - corner) * scale
        box, row = regions(points[list(FACE_OUTLINE)], points[list(LIPS)], resolution)
        boxes.append(box)
        masks.append(row)
    return torch.tensor(boxes, dtype=torch.int32), torch.stack(masks)
