"""The head in space: where every part of the face lies in the picture when the head turns, nods and tilts.

Head units: x to the picture's right, y down, z towards the viewer; the crown is at y = -1, the chin at y = 1. A part
that lies nearer to the viewer moves further when the head turns, which is the parallax of eyes and nose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from .placement import Placement
from .tracks import Tracks

DEPTH = 0.6  # of the face's middle, with the skull's outline at 0: flatter than life, so that no eye leaves the face
ROUND_X, ROUND_Y = 0.98, 1.35  # where the face's surface has curved away from the viewer
NECK = (0.0, 0.8, -0.3)  # what the head turns about
CHIN_DEPTH = 0.4  # how far the chin stands out from the skull's middle
JAW_DROP = 0.085  # how far the chin goes down, in lower halves of the head, with the mouth as far open as it goes
BREATH_RISE = 0.012  # of the picture's half height


@dataclass(frozen=True)
class Framing:
    """How large the head is in the picture and where."""

    scale: float  # the picture's units in a head unit
    center_x: float
    center_y: float


@dataclass(frozen=True)
class HeadPose:
    """turn: (f 3 3), a rotation.  roll: (f 2 2), the part of it within the picture.  center: (f 2), in the picture.

    chin, lean, nod: (f 1 1), in head units: how far down the chin is (1 at rest), and how far turning and nodding move
    what stands out as far as the chin does.
    """

    turn: Tensor
    roll: Tensor
    center: Tensor
    chin: Tensor
    lean: Tensor
    nod: Tensor
    scale: float

    @staticmethod
    def of(tracks: Tracks, framing: Framing) -> HeadPose:
        yaw, pitch, roll = (angle * (math.pi / 180) for angle in (tracks.yaw, tracks.pitch, tracks.roll))
        around_z = _rotation(roll, 0, 1)
        turn = around_z @ _rotation(pitch, 2, 1) @ _rotation(yaw, 2, 0)
        rise = -BREATH_RISE * tracks.breath
        center = torch.stack([framing.center_x + 0 * rise, framing.center_y + rise], dim=1)
        open_, lean, nod = (
            rearrange(curve, "f -> f 1 1")
            for curve in (JAW_DROP * tracks.mouth_open, CHIN_DEPTH * yaw.sin(), CHIN_DEPTH * pitch.sin())
        )
        return HeadPose(turn, around_z[:, :2, :2], center, 1 + open_ + nod, lean, nod, framing.scale)

    @property
    def outline(self) -> Placement:
        """Where the skull's outline lies."""
        return self.flat(0.0, 0.0, 0.0)

    def on_face(self, x: float, y: float, lift: float = 0.0) -> Placement:
        """A part of the face's surface, foreshortened as the surface turns away. lift: towards the viewer."""
        level = max(1 - (x / ROUND_X) ** 2 - (y / ROUND_Y) ** 2, 0.05)
        depth = DEPTH * math.sqrt(level)
        slope_x = -DEPTH * DEPTH * x / ROUND_X**2 / depth
        slope_y = -DEPTH * DEPTH * y / ROUND_Y**2 / depth
        tangents = self._row([[1.0, 0.0], [0.0, 1.0], [0.7 * slope_x, 0.7 * slope_y]])
        return Placement(self._point(x, y, depth + lift), self.scale * (self.turn @ tangents)[:, :2])

    def flat(self, x: float, y: float, z: float) -> Placement:
        """A part that looks the same from all sides (the skull's outline, an ear, hair): only roll turns it."""
        return Placement(self._point(x, y, z), self.scale * self.roll)

    def _point(self, x: float, y: float, z: float) -> Tensor:
        neck = self._row(NECK)
        turned = self.turn @ (self._row((x, y, z)) - neck)
        return self.center + self.scale * (neck + turned)[:, :2]

    def _row(self, values: object) -> Tensor:
        return torch.tensor(values, device=self.center.device)


def _rotation(angle: Tensor, first: int, second: int) -> Tensor:
    """(f 3 3): by angle (f, radians), from the axis `first` towards the axis `second`."""
    matrix = torch.eye(3, device=angle.device).repeat(angle.shape[0], 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = angle.cos()
    matrix[:, second, first] = angle.sin()
    matrix[:, first, second] = -angle.sin()
    return matrix
