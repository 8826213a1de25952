"""The report on a whole video, collected frame by frame in constant memory."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

from .curve import Curve
from .drift import FrameMeasures
from .seams import SeamJump

WORST_OF_EACH = 3
Badness = Callable[[FrameMeasures], float | None]

# Badness of a moment, larger is worse; None: not applicable.
BADNESS: Mapping[str, Badness] = {
    "change": lambda measures: measures.change if measures.is_seam else None,
    "similarity": lambda measures: -measures.similarity,
    "sharpness": lambda measures: abs(math.log2(measures.sharpness)),
    "colour_drift": lambda measures: measures.colour_drift,
    "identity": lambda measures: None if measures.identity is None else -measures.identity,
}


@dataclass(frozen=True)
class Moment:
    """One of the worst moments: measure, value, frame."""

    measure: str
    frame: int
    value: float


@dataclass(frozen=True)
class DriftReport:
    """first, last: means over the first and the last `clip_frames` frames."""

    frames: int
    clips: int
    seam_jump: float | None  # change at clip borders divided by change inside clips; None if unknown
    first: Mapping[str, float]
    last: Mapping[str, float]
    worst: tuple[Moment, ...]  # per measure, the worst first; at most one per clip

    def text(self, fps: Fraction) -> str:
        """The report as text."""
        jump = "is unknown" if self.seam_jump is None else f"{self.seam_jump:.2f}"
        lines = [f"{self.frames} frames, {self.clips} clips. Seam jump: {jump} (1.00: seams cannot be seen)."]
        lines += [
            f"{name.replace('_', ' ')}: {value:.3f} at the beginning, {self.last[name]:.3f} at the end"
            for name, value in self.first.items()
            if name in self.last
        ]
        lines += ["Worst moments:"] * bool(self.worst)
        lines += [
            f"  {float(moment.frame / fps):.2f} s (frame {moment.frame}): "
            f"{'seam, change' if moment.measure == 'change' else moment.measure.replace('_', ' ')} {moment.value:.3f}"
            for moment in self.worst
        ]
        return "\n".join(lines)


class DriftSummary:
    """Takes every frame's measures in order and keeps what the report and the plots need."""

    def __init__(self, clip_frames: int) -> None:
        self.curves: Mapping[str, Curve] = {name: Curve() for name in (*BADNESS, "seams")}
        self.frames = 0
        self._clip_frames = clip_frames
        self._first: list[FrameMeasures] = []
        self._last: deque[FrameMeasures] = deque(maxlen=clip_frames)
        self._jump = SeamJump()
        self._worst = {name: _Worst(name, badness) for name, badness in BADNESS.items()}

    def add(self, measures: FrameMeasures) -> None:
        if len(self._first) < self._clip_frames:
            self._first.append(measures)
        self._last.append(measures)
        for name in BADNESS:
            value = getattr(measures, name)
            if value is not None:
                self.curves[name].add(measures.frame, value)
        if measures.change is not None:
            self._jump.add(measures.change, measures.is_seam)
            if measures.is_seam:
                self.curves["seams"].add(measures.frame, measures.change)
        for worst in self._worst.values():
            worst.add(measures, measures.frame // self._clip_frames)
        self.frames += 1

    def report(self) -> DriftReport:
        return DriftReport(
            self.frames,
            -(-self.frames // self._clip_frames),
            self._jump.value,
            _means(self._first),
            _means(self._last),
            tuple(moment for worst in self._worst.values() for moment in worst.moments()),
        )


class _Worst:
    """The worst frames by one measure, one per clip, so that one bad second does not fill the list."""

    def __init__(self, name: str, badness: Badness) -> None:
        self._name, self._badness = name, badness
        self._kept: list[tuple[float, int, float]] = []  # badness, minus frame, value; the least bad first
        self._clip, self._of_clip = 0, None

    def add(self, measures: FrameMeasures, clip: int) -> None:
        badness = self._badness(measures)
        if badness is None:
            return
        if clip != self._clip:
            self._keep()
            self._clip = clip
        found = badness, -measures.frame, getattr(measures, self._name)
        self._of_clip = found if self._of_clip is None else max(self._of_clip, found)

    def moments(self) -> list[Moment]:
        self._keep()
        return [Moment(self._name, -frame, value) for _badness, frame, value in sorted(self._kept, reverse=True)]

    def _keep(self) -> None:
        if self._of_clip is None:
            return
        heapq.heappush(self._kept, self._of_clip)
        if len(self._kept) > WORST_OF_EACH:
            heapq.heappop(self._kept)
        self._of_clip = None


def _means(measured: list[FrameMeasures] | deque[FrameMeasures]) -> dict[str, float]:
    """Of every measure that any of these frames has."""
    means = {}
    for field in fields(FrameMeasures):
        if field.name in BADNESS and field.name != "change":
            values = [value for one in measured if (value := getattr(one, field.name)) is not None]
            if values:
                means[field.name] = sum(values) / len(values)
    return means
