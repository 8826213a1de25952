"""The time of each frame of a video, in the file's time base: exact, with no assumed frame rate."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class FrameTimes:
    """ticks: of `time_base` seconds, increasing, one for each frame. `last`: duration of the last frame, in ticks.

    A video of constant rate is `FrameTimes(1 / fps, range(frames))`.
    """

    time_base: Fraction = Fraction(1)
    ticks: Sequence[int] = field(default_factory=lambda: array("q"))  # 8 bytes per frame
    last: int = 1

    @property
    def end(self) -> Fraction:
        """When the last frame ends, in seconds."""
        return self.at(len(self.ticks)) * self.time_base

    def add(self, tick: int | None, lasts: int) -> None:
        """The next frame, as decoded. Without a time, or if not later than the previous one, it follows directly."""
        if tick is None:
            tick = self.ticks[-1] + max(self.last, 1) if self.ticks else 0
        elif self.ticks:
            tick = max(tick, self.ticks[-1] + 1)
        if lasts <= 0:  # the file does not give it
            lasts = tick - self.ticks[-1] if self.ticks else self.last
        self.ticks.append(tick)
        self.last = lasts

    def end_by(self, seconds: Fraction) -> None:
        """Limit the last frame to end by then."""
        self.last = max(min(self.last, round(seconds / self.time_base) - self.ticks[-1]), 1)

    def at(self, index: int) -> int:
        """The tick of frame `index`. Times before the first and after the last frame are extrapolated from these."""
        count = len(self.ticks)
        if index < 0:
            step = self.ticks[1] - self.ticks[0] if count > 1 else self.last
            return self.ticks[0] + index * step
        if index >= count:
            return self.ticks[-1] + (index - count + 1) * self.last
        return self.ticks[index]
