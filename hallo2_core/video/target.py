"""The file a video is written to: under another name until it is whole, and then never over another file."""

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

from ..errors import VideoError
from ..storage.durable import rename
from ..storage.free_path import free_path
from .sound import aac_rate

if TYPE_CHECKING:
    from ..audio.waveform import AudioSource

logger = logging.getLogger("hallo2")


def check_name(path: Path) -> None:
    """Refuse what is no name for a video. Raises VideoError."""
    if path.suffix.lower() != ".mp4":
        raise VideoError(f"The video's name is {path.name}; let it end in .mp4, the only kind written here.")


def check_target(path: Path) -> None:
    """Refuse a name, or one that is taken, before the work starts. Raises VideoError."""
    check_name(path)
    if path.exists():
        raise VideoError(f"{path} exists already and is not overwritten. Choose another name.")


class TargetFile:
    """`part` is what to write to; `publish` gives it its name, `discard` takes it away. A context manager that discards
    what was not published.

    scratch: an existing folder for `part`, used if it is on the same disk as `path`; without it `part` lies beside it.
    """

    def __init__(self, path: Path | str, scratch: Path | None = None) -> None:
        self.path = Path(path)
        check_target(self.path)
        folder = self.path.parent
        with self.reported():
            folder.mkdir(parents=True, exist_ok=True)
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
        """Make the bytes last, and take another name where somebody has this one by now. Returns how many they are."""
        with self.reported():
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())
            if (target := free_path(self.path)) != self.path:
                logger.warning("%s appeared in the meantime; the video is %s.", self.path.name, target.name)
                self.path = target
            return self.part.stat().st_size

    def publish(self) -> None:
        """After `settle`. One step: whoever looks sees no file, or the whole one."""
        with self.reported():
            rename(self.part, self.path)

    def discard(self) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):  # it never came so far
            self.part.unlink()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Failures of the disk and of the encoder, as a VideoError with the file's name."""
        try:
            yield
        except OSError as error:
            raise VideoError(
                f"{self.path} cannot be written: {error.strerror or error}. Make room there, or choose another folder."
            ) from error
        except av.FFmpegError as error:
            raise VideoError(
                f"{self.path} cannot be made: {error.strerror}. Choose another frame size, codec or preset."
            ) from error


def mp4_options(fps: Fraction, audio: AudioSource | None) -> dict[str, str]:
    """The table of contents comes first, so that playing starts at once. Edit lists count in the sound's own samples:
    in their default milliseconds they would cut it short by up to one."""
    return {
        "movflags": "+faststart",
        "movie_timescale": str(aac_rate(audio.rate_hz) if audio is not None else fps.numerator),
    }
