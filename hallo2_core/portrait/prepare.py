"""A picture → `Portrait`, everything the networks need from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..config import check_frame_size
from ..payloads import Box, Portrait, RegionMasks
from .crop import choose_crop
from .face_analysis import IDENTITY_WIDTH, FaceFinder
from .opencv_compat import Bytes
from .picture import as_mask, as_picture
from .region_masks import (
    FACE_EXPAND,
    LIP_EXPAND,
    MASK_SIDE,
    face_region,
    filled_box,
    mask_pyramid,
    resize_antialiased,
    soft_masks,
)
from .subject import Expansion, Subject, choose_subject

SMALL_FACE_SHARE = 0.25
SOFT_ENLARGEMENT = 2.0


def prepare_portrait(
    picture: Tensor,
    faces: FaceFinder | None,
    width: int,
    height: int,
    *,
    crop: str = "auto",
    face_index: int = 0,
    face_expand: float = FACE_EXPAND,
    lip_expand: float = LIP_EXPAND,
    face_mask: Tensor | None = None,
    lip_mask: Tensor | None = None,
    pose_mask: Tensor | None = None,
    whole_picture: bool = False,
    as_released_range: bool = False,
) -> Portrait:
    """Find the face, crop the picture to the video's shape, build the face region and the masks.

    picture: any input of `as_picture`, of any size.  faces: None relies on `face_mask` or `whole_picture`.
    width, height: of the video, multiples of 64.
    crop: auto, face, centre or none, see `choose_crop`; none and a single face give exactly the release's portrait.
    face_index: which face, 0 the largest.  face_expand, lip_expand: box sizes, relative to the face and the lips.
    face_mask, lip_mask: (h w) drawn regions; their bounding boxes override detection.  pose_mask: (h w) the region of
    head motion, used as drawn.  whole_picture: use all of it as the face if none is found.
    as_released_range: map a picture without a value below mid-gray as in the release, see `mapped_twice`.

    Raises PortraitError (no face, no such face, a bad picture or mask) and SettingsError (size, crop, expansion).
    """
    check_frame_size(width, height)
    expansion = Expansion(face_expand, lip_expand)
    source = as_picture(picture)
    size = source.shape[:2]
    drawn = {"face": face_mask, "lip": lip_mask, "pose": pose_mask}
    drawn = {name: mask if mask is None else as_mask(mask, name, *size) for name, mask in drawn.items()}

    subject = choose_subject(source, faces, face_index, expansion, drawn["face"], drawn["lip"], whole_picture)
    part = choose_crop(crop, subject.face.bounds, *size, height, width)
    face_box, lip_box = subject.face.box_in(part), subject.lips.box_in(part)
    pixels = _pixels(cut(source, part), height, width)
    identity = torch.zeros(IDENTITY_WIDTH)  # as in the original if no face is found
    if faces is not None and subject.chosen is not None:
        identity = faces.identity(source, subject.chosen)
    face_filled = filled_box(face_box, part.height, part.width)
    lip_filled = filled_box(lip_box, part.height, part.width)
    pose = None if drawn["pose"] is None else cut(drawn["pose"], part)
    return Portrait(
        pixels=mapped_twice(pixels) if as_released_range else pixels,
        face_region=face_region(face_filled, height, width),
        masks=_masks(face_filled, lip_filled, pose, height, width),
        identity=identity,
        crop=part,
        source=source,
        face_box=_moved(face_box, part),
        notes=(*subject.notes, *_notes(picture, subject, part, identity, height)),
    )


def mapped_twice(pixels: Tensor) -> Tensor:
    """pixels: -1..1.  A picture without a value below 0 is mapped by 2x - 1 once more.

    As in the original: diffusers' image processor assumes that such a picture is in 0..1. It tests portrait and motion
    frames together, so a later clip whose motion frames have darker pixels is not mapped there. (Quirk 18.)
    """
    return pixels * 2.0 - 1.0 if float(pixels.min()) >= 0.0 else pixels


def cut(picture: Tensor, part: Box) -> Tensor:
    """picture: (h w …).  Returns the crop `part`."""
    return picture[part.top : part.bottom, part.left : part.right]


def to_bytes(values: Tensor) -> Bytes:
    """0..1 → 0..255, rounded: restores exactly the bytes that a float picture was made from."""
    return (values * 255.0).round().numpy().astype(np.uint8)


def _pixels(picture: Tensor, height: int, width: int) -> Tensor:
    """picture: (h w 3), 0..1.  Returns (3 height width), -1..1: Pillow's bilinear on bytes, as in the original."""
    resized = torch.from_numpy(resize_antialiased(to_bytes(picture), height, width))
    return rearrange(resized.float() / 255.0 * 2.0 - 1.0, "h w c -> c h w").contiguous()


def _masks(face: Bytes, lip: Bytes, pose: Tensor | None, height: int, width: int) -> RegionMasks:
    soft = soft_masks(face, lip)
    if pose is not None:
        soft = replace(soft, pose=resize_antialiased(to_bytes(pose), MASK_SIDE, MASK_SIDE))
    return mask_pyramid(soft, height, width)


def _moved(box: Box, part: Box) -> Box:
    """A box in pixels of `part`, in pixels of the whole picture."""
    return Box(box.left + part.left, box.top + part.top, box.right + part.left, box.bottom + part.top)


def _notes(picture: Tensor, subject: Subject, part: Box, identity: Tensor, height: int) -> list[str]:
    notes = []
    if picture.ndim == 4 and len(picture) > 1:
        notes.append(f"{len(picture)} pictures were passed; the first is animated.")
    face = subject.face.bounds
    share = max(face.height / part.height, face.width / part.width)
    if share < SMALL_FACE_SHARE:
        notes.append(
            f"The face takes only {share:.0%} of the frame; the release was trained on 50-70 %. Choose the crop 'face'."
        )
    if height / part.height > SOFT_ENLARGEMENT:
        notes.append(
            f"The animated part is only {part.width}x{part.height} px and is enlarged {height / part.height:.1f} "
            "times, so it will look soft. Use a larger picture."
        )
    if not identity.any():
        notes.append("The identity embedding is zero: only the released face models can compute one.")
    return notes
