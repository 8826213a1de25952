"""Frames one by one into the clips of a job."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType

from torch import Tensor

from ..jobs.job import Job
from ..video.clips import ClipEncoder
from ..video.settings import VideoSettings

CLIP_FRAMES = 16  # the most that are made again after a stop


class ClipWriter:
    """A context manager: left early, it lets go of the clip that is not whole. Its methods take turns."""

    def __init__(self, job: Job, fps: Fraction, settings: VideoSettings) -> None:
        self._job, self._fps, self._settings = job, fps, settings
        self._clip: ClipEncoder | None = None

    def write(self, frame: Tensor) -> None:
        """frame: (h w 3), 0..1 or uint8."""
        if self._clip is None:
            height, width = frame.shape[:2]
            self._clip = ClipEncoder(width, height, self._job.frames_in_segment, self._fps, self._settings)
        self._clip.write(frame.unsqueeze(0))
        if self._clip.frames == CLIP_FRAMES:
            self.finish()

    def finish(self) -> None:
        """The clip as far as it has come is made to last."""
        if self._clip is not None:
            clip, self._clip = self._clip, None
            with clip:
                self._job.append(clip.finish(), clip.frames, {})

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._clip is not None:
            with self._clip:
                self._clip = None
