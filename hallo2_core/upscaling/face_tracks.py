"""Face tracks: detections linked from frame to frame, gaps interpolated, positions smoothed.

A frame's tracks depend only on nearby frames (`context_frames` before and after), so a video that is resumed in the
middle has the same tracks as the whole.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..portrait.face_analysis import FaceFinder
from .face_detections import DetectedFrame, Detection, detect_faces, mutual_best
from .settings import UpscaleSettings

SAME_FACE_IOU = 0.25  # between boxes a few frames apart
SMOOTHING_REACH = 2.0  # standard deviations on either side


@dataclass(frozen=True)
class TrackedFrame:
    index: int
    picture: Tensor  # (h w 3), the input
    faces: Mapping[int, Tensor]  # track number → the face's square, see `face_crop.face_square`


def track_faces(
    frames: Iterable[Tensor], finder: FaceFinder | None, settings: UpscaleSettings, start: int = 0
) -> Iterator[TrackedFrame]:
    """frames: (h w 3), uint8 or 0..1, numbered from `start`. With None, no faces are found.

    Holds `context_frames` frames. Track numbers are arbitrary.
    """
    tracks = _Tracks(settings)
    delay = settings.missed_frames + _reach(settings)
    waiting: deque[DetectedFrame] = deque()
    for seen in detect_faces(frames, finder, settings.detect_every_frames, start):
        tracks.add(seen.index, seen.detections)
        waiting.append(seen)
        if len(waiting) > delay:
            yield tracks.resolved(waiting.popleft())
    while waiting:
        yield tracks.resolved(waiting.popleft())


def context_frames(settings: UpscaleSettings) -> int:
    """How many frames before and after a frame affect its faces."""
    return settings.missed_frames + _reach(settings) + settings.detect_every_frames - 1


class _Tracks:
    """Detections of the last few frames, grouped by track."""

    def __init__(self, settings: UpscaleSettings) -> None:
        self._missed = settings.missed_frames
        self._reach = _reach(settings)
        offsets = torch.arange(-self._reach, self._reach + 1)
        self._weights = torch.exp(-0.5 * (offsets / max(settings.smoothing_frames, 1e-3)) ** 2).tolist()
        self._recent: deque[_LinkedFrame] = deque(maxlen=self._missed + 1)
        self._squares: defaultdict[int, dict[int, Tensor]] = defaultdict(dict)  # by track and frame, in order
        self._made = 0

    def add(self, index: int, detections: tuple[Detection, ...]) -> None:
        """A detection joins the track of the latest earlier detection of the same face that has no successor yet.

        Nothing else matters, in particular not the history of other tracks: only the last few frames count.
        """
        frame = _LinkedFrame(detections, [None] * len(detections), set())
        for earlier in reversed(self._recent):
            for before, after in mutual_best(earlier.detections, detections, SAME_FACE_IOU):
                if before not in earlier.followed:
                    earlier.followed.add(before)
                    if frame.tracks[after] is None:
                        frame.tracks[after] = earlier.tracks[before]
        for position, detection in enumerate(detections):
            if frame.tracks[position] is None:
                frame.tracks[position], self._made = self._made, self._made + 1
            self._squares[frame.tracks[position]][index] = detection.square
        self._recent.append(frame)

    def resolved(self, seen: DetectedFrame) -> TrackedFrame:
        """Frames are requested in order; data that no later frame needs is dropped."""
        faces = {}
        for number, squares in list(self._squares.items()):
            if min(squares) <= seen.index <= max(squares):
                faces[number] = self._smoothed(squares, seen.index)
            for index in [index for index in squares if index <= seen.index - self._reach - self._missed]:
                del squares[index]
            if not squares:
                del self._squares[number]
        return TrackedFrame(seen.index, seen.picture, faces)

    def _smoothed(self, squares: Mapping[int, Tensor], index: int) -> Tensor:
        first, last = min(squares), max(squares)
        weighted = [
            (weight, _square_at(squares, index + offset))
            for offset, weight in enumerate(self._weights, -self._reach)
            if first <= index + offset <= last
        ]
        total = sum(weight for weight, _ in weighted)
        return torch.stack([square * (weight / total) for weight, square in weighted]).sum(dim=0)


@dataclass
class _LinkedFrame:
    detections: tuple[Detection, ...]
    tracks: list[int | None]  # of each detection
    followed: set[int]  # positions of the detections that have a successor in a later frame


def _square_at(squares: Mapping[int, Tensor], index: int) -> Tensor:
    """As detected in that frame, or interpolated between the detections around it."""
    if index in squares:
        return squares[index]
    before = max(other for other in squares if other < index)
    after = min(other for other in squares if other > index)
    return torch.lerp(squares[before], squares[after], (index - before) / (after - before))


def _reach(settings: UpscaleSettings) -> int:
    return math.ceil(SMOOTHING_REACH * settings.smoothing_frames)
