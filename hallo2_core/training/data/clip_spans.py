"""Cuts a stream of frames into clips: stretches of one scene that show one face throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ...portrait.face_analysis import FaceAnalysis
from .dataset_config import FEWEST_FRAMES
from .face_track import FaceTracker, TrackedFace
from .frame_rate import Position
from .skipped import FACE_JUMPS, SCENE_CUT, TOO_SHORT, Reason, Skipped

CUT_DIFFERENCE = 0.08  # mean, of 0..1: talking heads stay below 0.03 from frame to frame
THUMBNAIL = (18, 32)
SAMPLED_SIDE_PX = 128  # thumbnails are means over every nth pixel
SEARCH_EVERY = 5  # frames, where no face was found


@dataclass
class ClipSpan:
    """Frames `start.frame`, … of the video, and the face in each."""

    start: Position
    faces: list[TrackedFace] = field(default_factory=list)
    identity: Tensor | None = None  # (512), of the first frame
    end: Position = field(default_factory=Position)  # where reading continues

    @property
    def frames(self) -> int:
        return len(self.faces)

    @property
    def stop(self) -> int:
        return self.start.frame + self.frames


def clip_spans(
    pictures: Iterator[tuple[int, Tensor]], first: int, limit: int, length: int, fps: Fraction, faces: FaceAnalysis
) -> Iterator[ClipSpan | Skipped]:
    """pictures: frames `first`, … as from `frames_at_rate`; those from `limit` on are not used.  length: of a clip, in
    frames; where a scene or the face ends, a clip of at least `FEWEST_FRAMES` is kept.

    A clip does not depend on those before it, so reading may begin anew at the end of any.
    """
    gathering = _Gathering(length, fps, faces)
    for frame, (source_frame, picture) in enumerate(pictures, start=first):
        if frame >= limit:
            break
        yield from gathering.add(Position(frame, source_frame), picture)
    yield from gathering.ended(TOO_SHORT)
    yield from gathering.gap_ended()


class _Gathering:
    """The clip or the unusable stretch that is under way; never both."""

    def __init__(self, length: int, fps: Fraction, faces: FaceAnalysis) -> None:
        self._length, self._fps, self._faces = length, fps, faces
        self._span: ClipSpan | None = None
        self._tracker = FaceTracker(faces)
        self._thumbnail = torch.zeros(0)
        self._gap: tuple[int, Reason] | None = None  # the first frame
        self._next_frame = 0

    def add(self, position: Position, picture: Tensor) -> Iterator[ClipSpan | Skipped]:
        thumbnail = _thumbnail(picture)
        if self._span is not None and float((thumbnail - self._thumbnail).abs().mean()) > CUT_DIFFERENCE:
            yield from self.ended(SCENE_CUT)
        self._thumbnail = thumbnail
        if self._span is not None:
            found = self._tracker.look(picture)
            if not isinstance(found, TrackedFace):
                yield from self.ended(found)
        if self._span is None:
            yield from self._begin(position, picture)
        elif isinstance(found, TrackedFace):
            self._span.faces.append(found)
        self._next_frame = position.frame + 1
        if self._span is not None:
            self._span.end = Position(self._next_frame, position.source_frame)
            if self._span.frames == self._length:
                yield from self.ended(TOO_SHORT)

    def ended(self, reason: Reason) -> Iterator[ClipSpan | Skipped]:
        """The clip under way ends before the current frame. reason: given for clips that are too short."""
        span, self._span = self._span, None
        if span is None:
            return
        if span.frames >= FEWEST_FRAMES:
            yield span
        else:
            yield self._skipped(span.start.frame, span.stop, reason)

    def gap_ended(self) -> Iterator[Skipped]:
        gap, self._gap = self._gap, None
        if gap is not None:
            yield self._skipped(gap[0], self._next_frame, gap[1])

    def _begin(self, position: Position, picture: Tensor) -> Iterator[Skipped]:
        """A clip with this frame, or an unusable stretch."""
        if self._gap is not None and (position.frame - self._gap[0]) % SEARCH_EVERY:
            return
        self._tracker = FaceTracker(self._faces)
        found = self._tracker.look(picture)
        if isinstance(found, TrackedFace):
            yield from self.gap_ended()
            identity = self._faces.identity(picture.float() / 255.0, found.detected)
            self._span = ClipSpan(position, [found], identity)
        elif self._gap is None or self._gap[1] != found:
            yield from self.gap_ended()
            self._gap = (position.frame, found)

    def _skipped(self, start: int, stop: int, reason: Reason) -> Skipped:
        detail = f"{stop - start} frames" if reason in (TOO_SHORT, SCENE_CUT, FACE_JUMPS) else ""
        return Skipped(reason.name, detail, float(start / self._fps), float(stop / self._fps))


def _thumbnail(picture: Tensor) -> Tensor:
    """picture: (h w 3) uint8.  Returns (3 18 32), 0..1."""
    step = max(max(picture.shape[:2]) // SAMPLED_SIDE_PX, 1)
    sampled = rearrange(picture[::step, ::step].float() / 255.0, "h w c -> c h w")
    return F.adaptive_avg_pool2d(sampled, THUMBNAIL)
