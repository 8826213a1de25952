"""Faces through time: found in each frame, linked, filled in where missed, and held steady.

What a frame gets depends on the frames close by alone (`context_frames` before and after): a video that is gone on with
from the middle has the same tracks as the whole.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import UpscaleSettings
from ..portrait.face_analysis import FaceFinder
from ..portrait.face_detection import overlap
from .face_crop import face_square

SAME_FACE_IOU = 0.25  # of boxes a few frames apart
SMOOTHING_REACH = 2.0  # deviations on either side


@dataclass(frozen=True)
class TrackedFrame:
    index: int
    picture: Tensor  # (h w 3), as it was given
    faces: Mapping[int, Tensor]  # the track's number → the face's square, see `face_crop.face_square`


@dataclass
class _Sighting:
    frame: int
    box: Tensor
    square: Tensor
    track: int | None = None
    was_followed: bool = False


def track_faces(
    frames: Iterable[Tensor], finder: FaceFinder | None, settings: UpscaleSettings, start: int = 0
) -> Iterator[TrackedFrame]:
    """frames: (h w 3), uint8 or 0..1, the first of which has the number `start`. None finds nobody.

    Holds `context_frames` frames. Tracks have numbers of no meaning.
    """
    tracks = _Tracks(settings)
    delay = context_frames(settings)
    waiting: deque[tuple[int, Tensor]] = deque()
    for index, picture in enumerate(frames, start):
        tracks.add(index, [] if finder is None else finder.find(as_float(picture)))
        waiting.append((index, picture))
        if len(waiting) > delay:
            yield TrackedFrame(*waiting[0], tracks.at(waiting.popleft()[0]))
    while waiting:
        yield TrackedFrame(*waiting[0], tracks.at(waiting.popleft()[0]))


def context_frames(settings: UpscaleSettings) -> int:
    """How many frames before and after a frame decide about its faces."""
    return settings.missed_frames + _reach(settings)


def as_float(picture: Tensor) -> Tensor:
    """uint8 or floats → floats in 0..1."""
    return picture.float() / 255.0 if picture.dtype == torch.uint8 else picture.float()


class _Tracks:
    def __init__(self, settings: UpscaleSettings) -> None:
        self._missed = settings.missed_frames
        self._reach = _reach(settings)
        offsets = torch.arange(-self._reach, self._reach + 1)
        deviation = max(settings.smoothing_frames, 1e-3)
        self._weights = torch.exp(-0.5 * (offsets / deviation) ** 2).tolist()
        self._recent: deque[list[_Sighting]] = deque(maxlen=self._missed + 1)
        self._tracks: defaultdict[int, list[_Sighting]] = defaultdict(list)
        self._made = 0

    def add(self, frame: int, faces: Iterable) -> None:
        sightings = [_Sighting(frame, face.box, face_square(face.five_points)) for face in faces]
        for earlier in reversed(self._recent):
            for before, after in _mutual_best(earlier, sightings):
                if not before.was_followed:
                    before.was_followed = True
                    after.track = before.track if after.track is None else after.track
        for sighting in sightings:
            if sighting.track is None:
                sighting.track, self._made = self._made, self._made + 1
            self._tracks[sighting.track].append(sighting)
        self._recent.append(sightings)

    def at(self, frame: int) -> dict[int, Tensor]:
        """The smoothed squares in a frame. Frames are asked for in order; what no later one needs is forgotten."""
        found = {}
        for number, sightings in list(self._tracks.items()):
            if sightings[0].frame <= frame <= sightings[-1].frame:
                found[number] = self._smoothed(sightings, frame)
            kept = [sighting for sighting in sightings if sighting.frame > frame - self._reach - self._missed]
            if kept:
                self._tracks[number] = kept
            else:
                del self._tracks[number]
        return found

    def _smoothed(self, sightings: list[_Sighting], frame: int) -> Tensor:
        weighted = [
            (weight, _square_at(sightings, frame + offset))
            for offset, weight in enumerate(self._weights, -self._reach)
            if sightings[0].frame <= frame + offset <= sightings[-1].frame
        ]
        total = sum(weight for weight, _ in weighted)
        return torch.stack([square * (weight / total) for weight, square in weighted]).sum(dim=0)


def _square_at(sightings: list[_Sighting], frame: int) -> Tensor:
    """As seen in that frame, or on the line between the sightings around it."""
    after = next(sighting for sighting in sightings if sighting.frame >= frame)
    if after.frame == frame:
        return after.square
    before = next(sighting for sighting in reversed(sightings) if sighting.frame < frame)
    return torch.lerp(before.square, after.square, (frame - before.frame) / (after.frame - before.frame))


def _mutual_best(earlier: list[_Sighting], later: list[_Sighting]) -> list[tuple[_Sighting, _Sighting]]:
    """Pairs in which each is the other's largest overlap, and large enough."""
    if not earlier or not later:
        return []
    shared = torch.tensor([[overlap(one.box, other.box) for other in later] for one in earlier])
    pairs = []
    for row, one in enumerate(earlier):
        column = int(shared[row].argmax())
        if int(shared[:, column].argmax()) == row and float(shared[row, column]) >= SAME_FACE_IOU:
            pairs.append((one, later[column]))
    return pairs


def _reach(settings: UpscaleSettings) -> int:
    return math.ceil(SMOOTHING_REACH * settings.smoothing_frames)
