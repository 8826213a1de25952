"""The faces of each frame, without running the detector on every frame: while little moves, every few are enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..portrait.face_analysis import FaceFinder
from ..portrait.face_detection import overlap
from ..video.colour import divide_
from .face_crop import face_square

STEADY_IOU = 0.5  # of a face's boxes in two detected frames: enough to interpolate linearly between them


@dataclass(frozen=True)
class Detection:
    box: Tensor  # (4)
    square: Tensor  # (5), see `face_crop.face_square`


@dataclass(frozen=True)
class DetectedFrame:
    index: int
    picture: Tensor  # (h w 3), the input
    detections: tuple[Detection, ...]


def detect_faces(
    frames: Iterable[Tensor], finder: FaceFinder | None, every_frames: int, start: int = 0
) -> Iterator[DetectedFrame]:
    """frames: (h w 3), uint8 or 0..1, numbered from `start`. With None, no faces are found.

    The detector runs on frames whose number is a multiple of `every_frames`. If all faces of two such frames match, the
    faces between are interpolated; if a face appears, disappears or jumps, it also runs on each frame between.
    """
    before: DetectedFrame | None = None
    between: list[tuple[int, Tensor]] = []
    for index, picture in enumerate(frames, start):
        if index % every_frames:
            between.append((index, picture))
            continue
        after = _detect(index, picture, finder)
        yield from _filled_in(before, between, after, finder)
        yield after
        before, between = after, []
    yield from (_detect(index, picture, finder) for index, picture in between)


def as_float(picture: Tensor) -> Tensor:
    """uint8 or floats → floats in 0..1."""
    return divide_(picture.float(), 255.0) if picture.dtype == torch.uint8 else picture.float()


def mutual_best(
    earlier: tuple[Detection, ...], later: tuple[Detection, ...], least_iou: float
) -> list[tuple[int, int]]:
    """Pairs of positions (in `earlier`, in `later`) that are each other's largest overlap, if large enough."""
    if not earlier or not later:
        return []
    shared = torch.tensor([[overlap(one.box, other.box) for other in later] for one in earlier])
    pairs = []
    for row in range(len(earlier)):
        column = int(shared[row].argmax())
        if int(shared[:, column].argmax()) == row and float(shared[row, column]) >= least_iou:
            pairs.append((row, column))
    return pairs


def _detect(index: int, picture: Tensor, finder: FaceFinder | None) -> DetectedFrame:
    faces = [] if finder is None else finder.find(as_float(picture))
    return DetectedFrame(index, picture, tuple(Detection(face.box, face_square(face.five_points)) for face in faces))


def _filled_in(
    before: DetectedFrame | None, between: list[tuple[int, Tensor]], after: DetectedFrame, finder: FaceFinder | None
) -> Iterator[DetectedFrame]:
    pairs = [] if before is None else mutual_best(before.detections, after.detections, STEADY_IOU)
    is_steady = before is not None and len(pairs) == len(before.detections) == len(after.detections)
    for index, picture in between:
        if not is_steady:
            yield _detect(index, picture, finder)
            continue
        part = (index - before.index) / (after.index - before.index)
        ends = [(before.detections[row], after.detections[column]) for row, column in pairs]
        detections = (Detection(torch.lerp(a.box, b.box, part), torch.lerp(a.square, b.square, part)) for a, b in ends)
        yield DetectedFrame(index, picture, tuple(detections))
