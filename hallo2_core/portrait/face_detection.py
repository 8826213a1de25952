"""Face detection: BlazeFace on the whole picture, then on smaller and smaller windows for small faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..models.blazeface import INPUT_SIDE_PX, BlazeFace, anchor_centres

MIN_SCORE = 0.5
SAME_FACE_IOU = 0.3
INSIDE_SHARE = 0.6  # a box with this share of its area inside a detected face is part of that face
# The picture's longest side in each pass. In the first it fits one window; in the last, faces down to 1/40 of it are
# found, but its 225 windows are only worth the time if no face was found before.
SIDES_PX = (128, 256, 512, 1024)
WINDOW_STEP_PX = INPUT_SIDE_PX // 2
WINDOWS_AT_ONCE = 4  # all of them at once do not fit the CPU cache


@dataclass(frozen=True)
class Detection:
    """A detected face, in pixels of the picture."""

    box: Tensor  # (4): left, top, right, bottom
    score: float  # 0..1
    points: Tensor  # (n 2): x, y; eyes and nose first, the picture's left before its right


class FaceDetector(Protocol):
    def detect(self, picture: Tensor) -> list[Detection]:
        """picture: (3 h w), RGB in 0..1.  Returns every face once, in any order, possibly with false positives."""


class BlazeFaceDetector:
    """The built-in detector. It runs on the CPU, in a fraction of a second per picture."""

    def __init__(self, network: BlazeFace) -> None:
        self.network = network
        self.anchors = anchor_centres()

    @torch.inference_mode()
    def detect(self, picture: Tensor) -> list[Detection]:
        found: list[Detection] = []
        longest = max(picture.shape[1:])
        for side in SIDES_PX:
            if side == SIDES_PX[0] or (side <= longest and not (side == SIDES_PX[-1] and found)):
                found += _each_face_once(self._candidates(picture, side / longest), found)
        return found

    def _candidates(self, picture: Tensor, scale: float) -> list[Detection]:
        """Faces in all windows of the picture at `scale`; overlapping ones are not merged yet."""
        windows, corners, per_pixel = _windows(picture, scale)
        answers = [self.network(some) for some in windows.split(WINDOWS_AT_ONCE)]
        logits, values = (torch.cat(parts) for parts in zip(*answers, strict=True))
        scores = logits.sigmoid()
        found = []
        for window, anchor in (scores >= MIN_SCORE).nonzero().tolist():
            centre, size, points = _decode(values[window, anchor], self.anchors[anchor])
            corner = corners[window]
            box = torch.cat([(centre - size / 2 + corner) / per_pixel, (centre + size / 2 + corner) / per_pixel])
            found.append(Detection(box, float(scores[window, anchor]), (points + corner) / per_pixel))
        return found


def _decode(values: Tensor, anchor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One anchor's 16 values → center (2), size (2), points (6 2), in pixels of the network's input."""
    pairs = rearrange(values, "(n xy) -> n xy", xy=2)
    return pairs[0] + anchor, pairs[1], pairs[2:] + anchor


def _windows(picture: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """Cut the resized picture into the network's windows, half overlapping.

    Returns windows (n 3 128 128) in -1..1, their top-left corners (n 2) x, y in the resized picture, and the resize
    factors (2) x, y. A picture smaller than a window is padded with black.
    """
    height, width = (max(round(side * scale), 1) for side in picture.shape[1:])
    resized = F.interpolate(picture.unsqueeze(0), (height, width), mode="bilinear", antialias=True).squeeze(0)
    above, before = (max(INPUT_SIDE_PX - side, 0) // 2 for side in (height, width))
    below, after = max(INPUT_SIDE_PX - height - above, 0), max(INPUT_SIDE_PX - width - before, 0)
    padded = F.pad(resized * 2 - 1, (before, after, above, below), value=-1.0)
    places = [(top, left) for top in _starts(padded.shape[1]) for left in _starts(padded.shape[2])]
    windows = torch.stack([padded[:, t : t + INPUT_SIDE_PX, x : x + INPUT_SIDE_PX] for t, x in places])
    corners = torch.tensor([(left - before, top - above) for top, left in places], dtype=torch.float32)
    return windows, corners, torch.tensor([width / picture.shape[2], height / picture.shape[1]])


def _starts(length: int) -> list[int]:
    last = length - INPUT_SIDE_PX
    return [*range(0, last, WINDOW_STEP_PX), last]


def _each_face_once(candidates: list[Detection], known: list[Detection]) -> list[Detection]:
    """Merge boxes of the same face into one, weighted by score; drop those of faces (or parts of faces) in `known`."""
    kept: list[Detection] = []
    left = sorted(candidates, key=lambda face: face.score, reverse=True)
    while left:
        best = left[0]
        same = [face for face in left if overlap(face.box, best.box) > SAME_FACE_IOU or face is best]
        left = [face for face in left if all(face is not other for other in same)]
        if not any(_is_part_of(best.box, face.box) for face in (*known, *kept)):
            weights = torch.tensor([face.score for face in same])
            weights = weights / weights.sum()
            box = (torch.stack([face.box for face in same]) * weights[:, None]).sum(dim=0)
            points = (torch.stack([face.points for face in same]) * weights[:, None, None]).sum(dim=0)
            kept.append(Detection(box, best.score, points))
    return kept


def _is_part_of(box: Tensor, face: Tensor) -> bool:
    return overlap(box, face) > SAME_FACE_IOU or float(_shared(box, face) / _area(box)) > INSIDE_SHARE


def overlap(a: Tensor, b: Tensor) -> float:
    """Intersection over union of two boxes (4)."""
    shared = _shared(a, b)
    return float(shared / (_area(a) + _area(b) - shared))


def _shared(a: Tensor, b: Tensor) -> Tensor:
    sides = torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])
    return sides.clamp(min=0).prod()


def _area(box: Tensor) -> Tensor:
    return (box[2:] - box[:2]).clamp(min=1e-6).prod()
