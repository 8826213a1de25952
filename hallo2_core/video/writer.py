"""Writes frames and sound into one MP4 file as they arrive: constant memory; the file appears only once complete."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
from torch import Tensor

from ..errors import VideoError
from .encode import FrameEncoder, check_even_size
from .settings import VideoSettings
from .sound import SoundEncoder
from .target import TargetFile, mp4_options

if TYPE_CHECKING:
    from ..audio.waveform import AudioSource


class VideoWriter:
    """A context manager. `write` frames; leaving it publishes the file, leaving it by an exception deletes it.

    path: ends in .mp4 and does not exist yet (see `free_path`); its folder is created. fps: exact, so 30000/1001 is not
    29.97. audio: starts at the first frame, complete, at its own rate (see `sound.py`). Errors: VideoError.
    """

    def __init__(
        self,
        path: Path | str,
        width: int,
        height: int,
        fps: Fraction,
        settings: VideoSettings | None = None,
        audio: AudioSource | None = None,
    ) -> None:
        check_even_size(width, height)
        if fps <= 0:
            raise VideoError(f"The frame rate is {fps}; choose more than 0, for example 25.")
        self._target = TargetFile(path)
        with self._target.reported():
            options = mp4_options(Fraction(fps), audio)
            self._container = av.open(str(self._target.part.absolute()), "w", format="mp4", options=options)
        try:
            self._video = FrameEncoder(self._container, width, height, Fraction(fps), settings or VideoSettings())
            self._sound = SoundEncoder(self._container, audio) if audio is not None else None
        except BaseException:
            self._discard()
            raise

    @property
    def path(self) -> Path:
        """The path of the video, now or once published."""
        return self._target.path

    @property
    def frames(self) -> int:
        """How many frames were written so far."""
        return self._video.frames

    def write(self, frames: Tensor) -> None:
        """frames: (f h w 3), 0..1 or uint8, in order. The sound up to their end is written with them."""
        with self._target.reported():
            self._video.write(frames)
            if self._sound is not None:
                self._sound.write_until(self._video.seconds)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._publish()
        except BaseException:
            self._discard()
            raise

    def _publish(self) -> None:
        if not self.frames:
            raise VideoError(f"No frame was written to {self.path.name}, so there is no video.")
        with self._target.reported():
            self._video.close()
            if self._sound is not None:
                self._sound.close()
            self._container.close()
        self._target.settle()
        self._target.publish()

    def _discard(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):  # may fail for an incomplete file, which is deleted anyway
            self._container.close()
        self._target.discard()
