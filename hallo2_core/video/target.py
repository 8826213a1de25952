"""The file a video is written to: under a temporary name until complete, and never over another file."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av

from ..errors import VideoError
from ..storage.advice import advice_for
from ..storage.durable import make_folder, rename
from ..storage.folders import check_writable
from ..storage.free_path import free_path
from ..storage.presence import is_there
from .sound import aac_rate

if TYPE_CHECKING:
    from ..audio.waveform import AudioSource

logger = logging.getLogger("hallo2")

CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a terminal would act on them
MOST_NAME_BYTES = 230  # file systems hold 255; NAME.mp4.hallo2 and .NAME-123.part.mp4 are longer


def check_name(path: Path) -> None:
    """Refuse a file name that is not a video's, or too long for the names derived from it. Raises VideoError."""
    if path.suffix.lower() != ".mp4":
        raise VideoError(f"The video's name is {path.name}; it must end in .mp4, the only supported format.")
    if CONTROL.search(str(path)):
        raise VideoError(f"The video's name is {str(path)!r}; it has a control character. Choose another name.")
    try:
        length = len(os.fsencode(path.name))
    except UnicodeEncodeError as error:
        raise VideoError(f"The video's name is {path.name!r}; it has half a character. Choose another name.") from error
    if length > MOST_NAME_BYTES:
        raise VideoError(
            f"The video's name has {length} bytes; up to {MOST_NAME_BYTES} are possible, because unfinished work gets "
            f"a longer one. Choose a shorter name."
        )


def check_target(path: Path) -> None:
    """Refuse a wrong or existing file name, and a folder that cannot be written to, before the work starts. Raises
    VideoError."""
    check_name(path)
    try:
        if is_there(path):
            raise VideoError(f"{path} exists already and is not overwritten. Choose another name.")
        check_writable(path.parent, f".{path.stem}.check.part.mp4")
    except OSError as error:
        raise _not_written(path, error) from error


class TargetFile:
    """`part` is the path to write to; `publish` renames it, `discard` deletes it. A context manager that discards
    what was not published.

    scratch: an existing folder for `part`, used if it is on the same disk as `path`; otherwise `part` is beside `path`.
    """

    def __init__(self, path: Path | str, scratch: Path | None = None) -> None:
        self.path = Path(path)
        check_target(self.path)
        folder = self.path.parent
        with self.reported():
            make_folder(folder)
            if scratch is not None and scratch.stat().st_dev == folder.stat().st_dev:
                folder = scratch
        self.part = folder / f".{self.path.stem}.part.mp4"

    def __enter__(self) -> TargetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()

    def settle(self) -> int:
        """Flush to disk, and choose another name if this one exists by now. Returns the number of bytes."""
        with self.reported():
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())
            if (target := free_path(self.path)) != self.path:
                logger.warning("%s appeared in the meantime; the video is %s.", self.path.name, target.name)
                self.path = target
            return self.part.stat().st_size

    def publish(self) -> None:
        """After `settle`. Atomic: other programs see no file, or the complete one."""
        with self.reported():
            rename(self.part, self.path)

    def discard(self) -> None:
        with suppress(OSError):  # it was never created, or the disk fails: the next run replaces it
            self.part.unlink()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turns failures of disk and encoder into a VideoError with the file's name."""
        try:
            yield
        except OSError as error:
            raise _not_written(self.path, error) from error
        except av.FFmpegError as error:
            raise VideoError(
                f"{self.path} cannot be made: {error.strerror}. Choose another frame size, codec or preset."
            ) from error


def _not_written(path: Path, error: OSError) -> VideoError:
    return VideoError(f"{path} cannot be written: {error.strerror or error}. {advice_for(error)}")


def mp4_options(fps: Fraction, audio: AudioSource | None) -> dict[str, str]:
    """The index comes first, so that playback starts at once. Edit lists count in the sound's samples: in milliseconds,
    the default, they would cut off up to one."""
    return {
        "movflags": "+faststart",
        "movie_timescale": str(aac_rate(audio.rate_hz) if audio is not None else fps.numerator),
    }
