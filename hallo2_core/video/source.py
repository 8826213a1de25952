"""What a video is read from: a file, or a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

MICROSECONDS = 1_000_000

VideoFile = Path | str | IO[bytes]


@dataclass(frozen=True)
class TrimmedVideo:
    """The frames of a file whose time lies from `start` on and before `end`, in seconds; None is to the last frame.

    Its beginning is the time `start`, for its sound as well: that is cut there to a sample.
    """

    file: VideoFile
    start: Fraction
    end: Fraction | None = None

    @property
    def length(self) -> Fraction | None:
        return None if self.end is None else self.end - self.start

    @property
    def words(self) -> str:
        return f"from {float(self.start):g} s " + ("on" if self.end is None else f"to {float(self.end):g} s")


VideoSource = VideoFile | TrimmedVideo


def trimmed(file: VideoFile, start_seconds: float, duration_seconds: float) -> VideoSource:
    """duration_seconds: 0 is to the end. Rounded to microseconds: 0.28 is the very time of frame 7 at 25 a second."""
    start, duration = (Fraction(round(x * MICROSECONDS), MICROSECONDS) for x in (start_seconds, duration_seconds))
    if not start and not duration:
        return file
    return TrimmedVideo(file, start, start + duration if duration else None)


def file_of(source: VideoSource) -> VideoFile:
    return source.file if isinstance(source, TrimmedVideo) else source


def start_of(source: VideoSource) -> Fraction:
    """In seconds from the file's beginning."""
    return source.start if isinstance(source, TrimmedVideo) else Fraction(0)


def length_of(source: VideoSource) -> Fraction | None:
    """In seconds; None is as far as the file goes."""
    return source.length if isinstance(source, TrimmedVideo) else None
