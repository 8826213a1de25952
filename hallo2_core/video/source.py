"""The source of a video: a file, or a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

MICROSECONDS = 1_000_000

VideoFile = Path | str | IO[bytes]


@dataclass(frozen=True)
class TrimmedVideo:
    """The frames of a file with start <= time < end, in seconds; an `end` of None is the last frame.

    Its times count from `start`, also for its sound, which is cut there to the sample.
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
    """duration_seconds: 0 is to the end. Rounded to microseconds, so 0.28 is exactly frame 7 at 25 fps."""
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
    """In seconds; None is to the end of the file."""
    return source.length if isinstance(source, TrimmedVideo) else None
