"""The frames of a video of any frame rate, at the frame rate of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from torch import Tensor

from ...video.frame_times import FrameTimes
from ...video.reader import read_frames
from ...video.source import VideoSource


@dataclass(frozen=True)
class Position:
    """Where reading continues: the next frame at the new rate, and a frame of the file that is shown no later."""

    frame: int = 0
    source_frame: int = 0


def frames_at_rate(video: VideoSource, fps: Fraction, start: Position | None = None) -> Iterator[tuple[int, Tensor]]:
    """Yield frames `start.frame`, … at `fps`: the number of the file's frame that is seen in the middle of each, and
    the frame, (h w 3) uint8.  A frame before the file's first is the first.

    Errors as for `read_frames`.
    """
    start = start or Position()
    times, frame, number = FrameTimes(), start.frame, start.source_frame
    current: Tensor | None = None
    for picture in read_frames(video, start.source_frame, times):
        if current is not None:
            while _middle(frame, fps) < times.ticks[number + 1] * times.time_base:
                yield number, current
                frame += 1
            number += 1
        current = picture
    while current is not None and _middle(frame, fps) < times.end:
        yield number, current
        frame += 1


def _middle(frame: int, fps: Fraction) -> Fraction:
    """In seconds."""
    return (frame + Fraction(1, 2)) / fps
