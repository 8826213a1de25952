"""Follows the face of a clip: detected once a second, its landmarks followed from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ...portrait.face_analysis import MIN_PRESENCE, Face, FaceAnalysis
from ...portrait.face_landmarks import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, Landmarks
from .skipped import FACE_JUMPS, NO_FACE, SEVERAL_FACES, Reason

DETECT_EVERY = 25  # frames
SECOND_FACE_SHARE = 0.1  # of the largest face's area, from which another face counts
MOST_MOTION = 0.3  # of the face's height, from one frame to the next: several times what a shaken head reaches
ROOM_AROUND = 1.0  # of the face's longest side, on each side of it, in which the next frame's face is looked for


@dataclass(frozen=True)
class TrackedFace:
    landmarks: Tensor  # (468 2): x, y in pixels of the picture
    yaw_degrees: float
    detected: Face | None = None  # on frames where the detector ran

    @property
    def box(self) -> Tensor:
        """(4): left, top, right, bottom of the landmarks."""
        return torch.cat([self.landmarks.amin(dim=0), self.landmarks.amax(dim=0)])


class FaceTracker:
    """Of one clip. `look` takes its frames in order."""

    def __init__(self, faces: FaceAnalysis) -> None:
        self._faces = faces
        self._last: TrackedFace | None = None
        self._frames = 0

    def look(self, picture: Tensor) -> TrackedFace | Reason:
        """picture: (h w 3) uint8.  Returns the face, or why the clip cannot go on with this frame."""
        found = self._detected(picture) if self._frames % DETECT_EVERY == 0 else self._followed(picture)
        if isinstance(found, TrackedFace):
            if self._last is not None and _motion(self._last, found) > MOST_MOTION:
                return FACE_JUMPS
            self._last = found
            self._frames += 1
        return found

    def _detected(self, picture: Tensor) -> TrackedFace | Reason:
        found = self._faces.find(picture.float() / 255.0)
        if not found:
            return NO_FACE
        if len(found) > 1 and found[1].area >= SECOND_FACE_SHARE * found[0].area:
            return SEVERAL_FACES
        return TrackedFace(found[0].landmarks, found[0].yaw_degrees, found[0])

    def _followed(self, picture: Tensor) -> TrackedFace | Reason:
        """Only the surroundings of the last face are looked at; the detector is asked where it is not there."""
        assert self._last is not None
        box = self._last.box
        room = float((box[2:] - box[:2]).max()) * ROOM_AROUND
        left, top = (max(int(x - room), 0) for x in box[:2].tolist())
        right, bottom = (int(x + room) for x in box[2:].tolist())
        part = rearrange(picture[top:bottom, left:right].float() / 255.0, "h w c -> c h w").contiguous()
        corner = torch.tensor([left, top], dtype=torch.float32)
        eyes = self._last.landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER]] - corner
        seen: Landmarks = self._faces.landmarker.locate(part, box - corner.repeat(2), eyes)
        if seen.presence < MIN_PRESENCE:
            return self._detected(picture)
        return TrackedFace(seen.points + corner, seen.yaw_degrees)


def _motion(before: TrackedFace, after: TrackedFace) -> float:
    """Mean distance of the landmarks, in heights of the face."""
    height = before.box[3] - before.box[1]
    return float((after.landmarks - before.landmarks).norm(dim=1).mean() / height)
