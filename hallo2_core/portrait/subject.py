"""The subject: the face and its lips, detected in the picture or drawn by hand."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PortraitError, SettingsError
from ..payloads import Box
from .crop import inside
from .face_analysis import Face, FaceFinder
from .face_detection import overlap
from .region_masks import FACE_OUTLINE, LIPS, expanded_box

LARGEST_TRAINED_YAW = 30.0
LARGEST_ROLL = 30.0
BELONGS_TOGETHER_IOU = 0.1  # of a detected face and a drawn face mask
# The lips of a frontal face, as fractions of its outline box: left, top, right, bottom.
LIPS_IN_FACE = (0.25, 0.665, 0.73, 0.815)

log = logging.getLogger("hallo2")


@dataclass(frozen=True)
class Region:
    """A region of the picture: a box around detected points, to be expanded, or drawn by hand (expand None)."""

    name: str
    points: Tensor  # (n 2): x, y in pixels of the picture
    expand: float | None = None

    @property
    def bounds(self) -> Box:
        low, high = self.points.amin(dim=0).tolist(), self.points.amax(dim=0).tolist()
        return Box(*(round(x) for x in (*low, *high)))

    def box_in(self, crop: Box) -> Box:
        """The expanded box, in pixels of the crop. Raises PortraitError if the region lies outside it."""
        drawn = inside(self.bounds, crop, self.name)
        if self.expand is None:
            return drawn
        return expanded_box(self.points - torch.tensor([crop.left, crop.top]), self.expand, crop.height, crop.width)


@dataclass(frozen=True)
class Subject:
    face: Region
    lips: Region
    chosen: Face | None  # the detected face that matches the region
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expansion:
    """Scale factors of the face box and the lip box."""

    face: float
    lips: float

    def __post_init__(self) -> None:
        for name, value in (("face", self.face), ("lip", self.lips)):
            if not 0.5 <= value <= 5.0:
                raise SettingsError(f"The {name} expansion is {value}; choose 0.5 to 5 (the release: face 1.2, lip 2).")


def choose_subject(
    picture: Tensor,
    faces: FaceFinder | None,
    face_index: int,
    expansion: Expansion,
    face_mask: Tensor | None,
    lip_mask: Tensor | None,
    whole_picture: bool,
) -> Subject:
    """picture: (h w 3).  face_mask, lip_mask: (h w), drawn regions; they override detected ones.

    face_index: 0 is the largest face, as in the original; with a face mask, the face under the mask is used.
    whole_picture: if no face is found or drawn, use the whole picture as the face instead of raising an error.
    """
    notes: list[str] = []
    found = faces.find(picture) if faces is not None else []
    if len(found) > 1:
        log.info("%d faces were found; the first is the largest.", len(found))
    chosen: Face | None = None
    if face_mask is not None:
        face = Region("face mask", _corners_of_mask(face_mask))
        chosen = _face_under(face.bounds, found)
    elif found:
        chosen = _face_number(face_index, found)
        face = Region("face", chosen.landmarks[list(FACE_OUTLINE)], expansion.face)
    elif whole_picture:
        face = Region("picture", torch.tensor([[0.0, 0.0], [picture.shape[1], picture.shape[0]]]))
        notes.append("No face was found, so the whole picture is used as the face.")
    else:
        raise _no_face(picture, faces)

    if lip_mask is not None:
        lips = Region("lip mask", _corners_of_mask(lip_mask))
    elif chosen is not None:
        lips = Region("lips", chosen.landmarks[list(LIPS)], expansion.lips)
    else:
        lips = Region("lips", _usual_lips(face.bounds), expansion.lips)
        notes.append("The lips are assumed at the position of a frontal face; draw a lip mask if that is wrong.")
    if chosen is not None:
        notes += _pose_notes(chosen)
    return Subject(face, lips, chosen, tuple(notes))


def _pose_notes(face: Face) -> list[str]:
    notes = []
    if abs(face.yaw_degrees) > LARGEST_TRAINED_YAW:
        notes.append(
            f"The head is turned about {abs(face.yaw_degrees):.0f}° to the side; the release was trained on less than "
            f"{LARGEST_TRAINED_YAW:.0f}°, so lip sync may be poor."
        )
    if abs(face.roll_degrees) > LARGEST_ROLL:
        notes.append(
            f"The head is tilted about {abs(face.roll_degrees):.0f}°; rotate the picture until the eyes are level."
        )
    return notes


def _face_number(index: int, found: list[Face]) -> Face:
    if not 0 <= index < len(found):
        count = "1 face was found" if len(found) == 1 else f"{len(found)} faces were found"
        raise PortraitError(
            f"Face number {index} was requested, but {count}: choose 0 (the largest)"
            + (f" to {len(found) - 1}." if len(found) > 1 else ".")
        )
    return found[index]


def _face_under(drawn: Box, found: list[Face]) -> Face | None:
    box = torch.tensor([drawn.left, drawn.top, drawn.right, drawn.bottom], dtype=torch.float32)
    shares = [(overlap(box, face.box), i) for i, face in enumerate(found)]
    best, index = max(shares, default=(0.0, 0))
    return found[index] if best >= BELONGS_TOGETHER_IOU else None


def _corners_of_mask(mask: Tensor) -> Tensor:
    """(2 2): top-left and bottom-right corners of the area at or above half the mask's maximum."""
    places = (mask >= mask.max() / 2).nonzero()
    return torch.stack([places.amin(dim=0), places.amax(dim=0) + 1]).flip(dims=(1,)).float()


def _usual_lips(face: Box) -> Tensor:
    left, top, right, bottom = LIPS_IN_FACE
    return torch.tensor([
        [face.left + left * face.width, face.top + top * face.height],
        [face.left + right * face.width, face.top + bottom * face.height],
    ])  # fmt: skip


def _no_face(picture: Tensor, faces: FaceFinder | None) -> PortraitError:
    size = f"{picture.shape[1]}x{picture.shape[0]}"
    choices = "draw a face mask (for a painting or a cartoon), or use the whole picture as the face."
    if faces is None:
        return PortraitError(f"The face in the {size} picture cannot be found: connect a face analysis, {choices}")
    for quarter_turns, way in ((3, "90° clockwise"), (1, "90° anticlockwise"), (2, "180°")):
        if faces.find(torch.rot90(picture, quarter_turns, (0, 1))):
            return PortraitError(
                f"No upright face was found in the {size} picture, but there is one after rotating it {way}: rotate it."
            )
    return PortraitError(f"No face was found in the {size} picture: use one with a larger face, {choices}")
