"""468 points per face: FaceMesh on a square around the face, rotated so that the eyes are level."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.facemesh import INPUT_SIDE_PX, FaceMesh
from . import similarity

ROOM_AROUND = 1.5  # the square's side, relative to the longest side of the face box (as in MediaPipe)

# Indices of mesh points. Left and right are the picture's.
LEFT_EYE_CORNER, RIGHT_EYE_CORNER = 33, 263
LEFT_EYE, RIGHT_EYE = (33, 133, 159, 145), (263, 362, 386, 374)  # corners and lids
NOSE_TIP = 1
LEFT_MOUTH_CORNER, RIGHT_MOUTH_CORNER = 61, 291
LEFT_CHEEK, RIGHT_CHEEK = 234, 454


@dataclass(frozen=True)
class Landmarks:
    points: Tensor  # (468 2): x, y in pixels of the picture
    presence: float  # 0..1: the network's confidence that this is a face, the lower of its two passes
    yaw_degrees: float  # rotation of the head to either side; 0 is frontal

    def five_points(self) -> Tensor:
        """(5 2): the eyes, the tip of the nose, the mouth corners; the picture's left before its right."""
        eyes = [self.points[list(eye)].mean(dim=0) for eye in (LEFT_EYE, RIGHT_EYE)]
        return torch.stack([*eyes, *self.points[[NOSE_TIP, LEFT_MOUTH_CORNER, RIGHT_MOUTH_CORNER]]])


class FaceLandmarker:
    """FaceMesh on the CPU, twice per face: the second pass starts from the first one's points.

    The first square comes from the detector's box and eyes, the second from the points themselves, as in MediaPipe's
    tracking from frame to frame; so the result hardly depends on the detector.
    """

    def __init__(self, network: FaceMesh) -> None:
        self.network = network

    def locate(self, picture: Tensor, box: Tensor, eyes: Tensor) -> Landmarks:
        """picture: (3 h w), RGB in 0..1.  box: (4).  eyes: (2 2) x, y, the one on the picture's left first."""
        first = self._look(picture, box, eyes)
        around = torch.cat([first.points.amin(dim=0), first.points.amax(dim=0)])
        second = self._look(picture, around, first.points[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER]])
        return replace(second, presence=min(first.presence, second.presence))

    @torch.inference_mode()
    def _look(self, picture: Tensor, box: Tensor, eyes: Tensor) -> Landmarks:
        across = eyes[1] - eyes[0]
        side = float((box[2:] - box[:2]).max()) * ROOM_AROUND
        centre = (box[:2] + box[2:]) / 2
        to_picture = similarity.from_square(centre, side, math.atan2(across[1], across[0]), INPUT_SIDE_PX)
        # Bilinear sampling uses four pixels only: first average a large face down to about the network's size.
        shrink = max(int(side / INPUT_SIDE_PX), 1)
        small = F.avg_pool2d(picture.unsqueeze(0), shrink, ceil_mode=True).squeeze(0) if shrink > 1 else picture
        square = similarity.sample(small, to_picture / shrink, INPUT_SIDE_PX, INPUT_SIDE_PX, beyond="border")
        points, presence = self.network(square.unsqueeze(0))
        turned = points[0, RIGHT_CHEEK] - points[0, LEFT_CHEEK]
        return Landmarks(
            points=similarity.apply(to_picture, points[0, :, :2]),
            presence=float(presence.sigmoid()),
            yaw_degrees=math.degrees(math.atan2(turned[2], turned[0])),
        )
