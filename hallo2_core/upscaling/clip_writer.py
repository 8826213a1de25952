"""Writes frames one by one into the clips of a job; a second thread encodes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from types import TracebackType
from typing import Protocol

from torch import Tensor

from ..video.clips import ClipEncoder
from ..video.colour import Planes
from ..video.settings import VideoSettings

CLIP_FRAMES = 16
# Total size of frames queued for the encoder, so that it has work while the next window is restored.
WAITING_BYTES = 256 * 2**20


class ClipStore(Protocol):
    """Where clips are kept, such as a `jobs.job.Job`."""

    @property
    def frames_in_segment(self) -> int:
        """The number of frames before the next clip in its segment."""

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        """Store the next clip. Returns once it is durable."""


def most_waiting(frame_bytes: int) -> int:
    """How many finished frames may wait for the encoder, including the one being encoded.

    At most a clip: if a clip cannot be written, the frames queued behind it do not complete another one.
    """
    return max(min(WAITING_BYTES // frame_bytes, CLIP_FRAMES), 1)


class BackgroundWriter:
    """`ClipWriter` in a second thread, fed by a short queue.

    A context manager. On exit, also by an exception, it encodes the frames still in the queue.
    """

    def __init__(self, job: ClipStore, fps: Fraction, settings: VideoSettings) -> None:
        self._writer = ClipWriter(job, fps, settings)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-writer")
        self._waiting: deque[Future[None]] = deque()

    def write(self, planes: Planes) -> None:
        """planes: as in `ClipWriter.write`. Blocks while the queue is full. Raises the error of an earlier frame."""
        most = most_waiting(planes.samples.nbytes)
        while self._waiting and (len(self._waiting) >= most or self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._writer.write, planes))

    def finish(self) -> None:
        """Wait for all frames and close the last clip."""
        while self._waiting:
            self._waiting.popleft().result()
        self._writer.finish()

    def __enter__(self) -> BackgroundWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        self._writer.close()


class ClipWriter:
    """Not thread-safe: one call at a time. Closed early, it drops the incomplete clip."""

    def __init__(self, job: ClipStore, fps: Fraction, settings: VideoSettings) -> None:
        self._job, self._fps, self._settings = job, fps, settings
        self._clip: ClipEncoder | None = None

    def write(self, planes: Planes) -> None:
        """planes: on the CPU, in the settings' bit depth."""
        if self._clip is None:
            before = self._job.frames_in_segment
            self._clip = ClipEncoder(planes.width, planes.height, before, self._fps, self._settings)
        self._clip.write_planes(planes)
        if self._clip.frames == CLIP_FRAMES:
            self.finish()

    def finish(self) -> None:
        """Close the current clip and commit it to disk, even if it is short."""
        if self._clip is not None:
            clip, self._clip = self._clip, None
            with clip:
                self._job.append(clip.finish(), clip.frames, {})

    def close(self) -> None:
        if self._clip is not None:
            with self._clip:
                self._clip = None
