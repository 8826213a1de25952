"""How much the picture jumps where sections of a video meet, against the frames around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from ..video.reader import read_frames
from ..video.source import TrimmedVideo
from .seams import change_between

AROUND_FRAMES = 8  # on either side


@dataclass(frozen=True)
class SectionSeam:
    """change: from the frame before to the seam's, the mean difference in levels of 0..255. usual: the mean of the
    changes between the frames around."""

    frame: int
    change: float
    usual: float

    @property
    def jump(self) -> float | None:
        """How many times the usual change; None if nothing else moves."""
        return self.change / self.usual if self.usual else None


def measure_seams(video: Path, seams: Sequence[int], fps: Fraction) -> list[SectionSeam]:
    """seams: the first frames of sections, but for the video's first. Only the frames around are read."""
    return [_measured(video, seam, fps) for seam in seams]


def _measured(video: Path, seam: int, fps: Fraction) -> SectionSeam:
    first = max(seam - AROUND_FRAMES - 1, 0)
    frames = islice(read_frames(TrimmedVideo(video, first / fps)), seam + AROUND_FRAMES - first)
    changes = [change_between(before, frame) for before, frame in pairwise(frames)]
    change = changes.pop(seam - first - 1)
    return SectionSeam(seam, change, sum(changes) / len(changes) if changes else 0.0)
