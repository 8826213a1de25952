"""The crop of the picture that becomes the video."""

from __future__ import annotations

from ..errors import PortraitError, SettingsError
from ..payloads import Box

CROPS = ("auto", "face", "centre", "none")
FACE_SHARE = 0.5  # of the frame, along the axis where it takes more; the release was trained on 0.5 to 0.7
WELL_FRAMED_SHARE = 0.4
SAME_ASPECT = 0.02
ROOM_ABOVE = 0.6  # share of the free height that goes above the face: hair needs more than the neck


def choose_crop(mode: str, face: Box, height: int, width: int, out_height: int, out_width: int) -> Box:
    """The part of a height × width picture to animate, in the shape of the video (out_height × out_width).

    none: all of it, stretched to the video's shape as in the release. centre: the largest centered crop. face: the face
    fills about half of the frame. auto: none if the shape fits and the face is at least 0.4 of the frame, otherwise
    face. `face` spans from the top of the forehead to the chin.
    """
    if mode not in CROPS:
        raise SettingsError(f"The crop is '{mode}'; choose one of {', '.join(CROPS)}.")
    whole = Box(0, 0, width, height)
    aspect = out_width / out_height
    if mode == "auto":
        fits = abs(width / height / aspect - 1) <= SAME_ASPECT
        share = max(face.width / width, face.height / height)
        mode = "none" if fits and share >= WELL_FRAMED_SHARE else "face"
    if mode == "none":
        return whole
    largest = min(height, width / aspect)
    if mode == "centre":
        return _placed(largest, aspect, width / 2, (height - largest) / 2, whole)
    side = min(max(face.height, face.width / aspect) / FACE_SHARE, largest)
    top = face.top - max(side - face.height, 0) * ROOM_ABOVE
    return _placed(side, aspect, (face.left + face.right) / 2, top, whole)


def _placed(crop_height: float, aspect: float, middle: float, top: float, whole: Box) -> Box:
    """A crop of that height, centered on column `middle`, shifted inside the picture."""
    height = min(max(round(crop_height), 1), whole.height)
    width = min(max(round(crop_height * aspect), 1), whole.width)
    left = min(max(round(middle - width / 2), 0), whole.width - width)
    top = min(max(round(top), 0), whole.height - height)
    return Box(left, top, left + width, top + height)


def inside(box: Box, crop: Box, what: str) -> Box:
    """The part of `box` inside `crop`, in pixels of the crop. Raises PortraitError if it is empty."""
    left, right = (min(max(x, crop.left), crop.right) - crop.left for x in (box.left, box.right))
    top, bottom = (min(max(y, crop.top), crop.bottom) - crop.top for y in (box.top, box.bottom))
    if left >= right or top >= bottom:
        raise PortraitError(
            f"The {what} at {box.left},{box.top}-{box.right},{box.bottom} px lies outside the crop that is "
            f"animated ({crop.left},{crop.top}-{crop.right},{crop.bottom} px). Choose the crop 'face'."
        )
    return Box(left, top, right, bottom)
