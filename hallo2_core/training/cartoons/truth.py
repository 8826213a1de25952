"""What is in the picture, exactly: mouth, boxes and points of every frame, from the same geometry as the drawing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .actor import Actor
from .head_pose import HeadPose
from .mouth import REACH, UPPER_SHARE
from .tracks import Tracks

BROW_ROOM = 0.1  # the face's box begins so far above the brows at rest, in head units


@dataclass(frozen=True)
class Truth:
    """Per frame. Points and boxes are in pixels of the whole picture; boxes are left, top, right, bottom."""

    mouth_opening: Tensor  # (f): between the inner lips, in heights of the face at rest (brows to chin)
    mouth_width: Tensor  # (f): from corner to corner of the mouth, in widths of the face
    face_box: Tensor  # (f 4): above the brows to the chin, cheek to cheek
    lip_box: Tensor  # (f 4): the lips' outer edges
    five_points: Tensor  # (f 5 2): eyes, tip of the nose, corners of the mouth; the picture's left before its right

    def tensors(self) -> dict[str, Tensor]:
        """By name, as they are saved."""
        return dict(vars(self))


@torch.no_grad()
def measure(actor: Actor, tracks: Tracks, size_px: int) -> Truth:
    """The truth of what `draw` paints for the same arguments."""
    pose = HeadPose.of(tracks, actor.framing)
    mouth, eyes, skull = actor.mouth, actor.eyes, actor.skull
    shape = mouth.shape(tracks)
    to_pixels = size_px / 2
    place = pose.on_face(0.0, mouth.y, 0.06)
    corner_y = shape.line(torch.ones_like(shape.gap))
    corners = [place.picture(side * shape.half_width, corner_y) for side in (-1, 1)]
    middle = shape.line(torch.zeros_like(shape.gap))
    above = torch.minimum(middle - UPPER_SHARE * shape.gap - mouth.upper_lip * shape.plump, corner_y)
    below = torch.maximum(middle + (1 - UPPER_SHARE) * shape.gap + mouth.lower_lip * shape.plump, corner_y)
    lips = [place.picture(side * REACH * shape.half_width, y) for side in (-1, 1) for y in (above, below)]

    brows = eyes.y - eyes.brow_rise - BROW_ROOM
    chin = pose.chin.flatten()
    lean = pose.lean.flatten()
    face = [pose.outline.picture(side * skull.half_width, y) for side in (-1, 1) for y in (0.0, 0.4)]
    face += [pose.outline.picture(lean, chin), pose.on_face(0.0, brows).origin]
    points = [pose.on_face(side * eyes.x, eyes.y).origin for side in (-1, 1)]
    points += [pose.on_face(0.0, actor.nose.y, actor.nose.lift).origin, *corners]
    return Truth(
        mouth_opening=shape.gap / (1 - brows),
        mouth_width=shape.half_width / skull.half_width,
        face_box=_around(face, to_pixels),
        lip_box=_around(lips, to_pixels),
        five_points=(torch.stack(points, dim=1) + 1) * to_pixels,
    )


def _around(points: list[Tensor], to_pixels: float) -> Tensor:
    """(f 4): the box around points of (f 2) each."""
    stacked = (torch.stack(points, dim=1) + 1) * to_pixels
    return torch.cat([stacked.amin(dim=1), stacked.amax(dim=1)], dim=1)
