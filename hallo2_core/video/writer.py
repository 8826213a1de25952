"""Frames and sound into one MP4 file, as they come: constant memory, and the file appears only when it is whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av
from torch import Tensor

from ..errors import VideoError
from .encode import FrameEncoder, VideoSettings, check_even_size
from .sound import SoundEncoder

if TYPE_CHECKING:
    from ..audio.waveform import AudioSource

logger = logging.getLogger("hallo2")


def free_path(path: Path | str) -> Path:
    """The path itself, or the first of name-2, name-3, … that does not exist yet."""
    path = Path(path)
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return candidate


class VideoWriter:
    """A context manager. `write` frames; leaving it publishes the file, leaving it by an exception removes all traces.

    path: ends in .mp4 and does not exist yet (see `free_path`); its folder is made. fps: exact, so 30000/1001 is not
    29.97. audio: heard from the first frame on, whole, at its own rate (see `sound.py`). Errors: VideoError.
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
        self.path = Path(path)
        check_even_size(width, height)
        if fps <= 0:
            raise VideoError(f"The frame rate is {fps}; choose more than 0, for example 25.")
        if self.path.suffix.lower() != ".mp4":
            raise VideoError(f"The video's name is {self.path.name}; let it end in .mp4, the only kind written here.")
        if self.path.exists():
            raise VideoError(f"{self.path} exists already and is not overwritten. Choose another name.")
        self._part = self.path.with_name(f".{self.path.stem}.part.mp4")
        with self._reported():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                str(self._part), "w", format="mp4", options=_container_options(Fraction(fps), audio)
            )
        try:
            self._video = FrameEncoder(self._container, width, height, Fraction(fps), settings or VideoSettings())
            self._sound = SoundEncoder(self._container, audio) if audio is not None else None
        except BaseException:
            self._discard()
            raise

    @property
    def frames(self) -> int:
        """How many were written so far."""
        return self._video.frames

    def write(self, frames: Tensor) -> None:
        """frames: (f h w 3), 0..1 or uint8, in order. The sound up to their end is written along with them."""
        with self._reported():
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
            raise VideoError(f"Not a single frame was written to {self.path.name}, so there is no video.")
        with self._reported():
            self._video.close()
            if self._sound is not None:
                self._sound.close()
            self._container.close()
            with self._part.open("rb+") as file:
                os.fsync(file.fileno())
            if (target := free_path(self.path)) != self.path:
                logger.warning("%s appeared in the meantime; the video is %s.", self.path.name, target.name)
                self.path = target
            os.replace(self._part, self.path)

    def _discard(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):  # half a file may not close cleanly; it goes anyway
            self._container.close()
        self._part.unlink(missing_ok=True)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise VideoError(
                f"{self.path} cannot be written: {error.strerror}. Make room there, or choose another folder."
            ) from error
        except av.FFmpegError as error:
            raise VideoError(
                f"{self.path} cannot be made: {error.strerror}. Choose another frame size, codec or preset."
            ) from error


def _container_options(fps: Fraction, audio: AudioSource | None) -> dict[str, str]:
    """The table of contents comes first, so that playing starts at once. Edit lists count in the sound's own samples:
    in their default milliseconds they would cut it short by up to one."""
    from .sound import aac_rate

    return {
        "movflags": "+faststart",
        "movie_timescale": str(aac_rate(audio.rate_hz) if audio is not None else fps.numerator),
    }
