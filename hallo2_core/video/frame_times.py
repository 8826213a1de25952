"""When each frame of a video is shown, counted as its file counts: exact, and no frame rate is assumed."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class FrameTimes:
    """ticks: of `time_base` seconds, rising, one for each frame. `last` is how many of them the last frame lasts.

    A video of constant rate is `FrameTimes(1 / fps, range(frames))`.
    """

    time_base: Fraction = Fraction(1)
    ticks: Sequence[int] = field(default_factory=lambda: array("q"))  # 8 bytes a frame
    last: int = 1

    @property
    def end(self) -> Fraction:
        """When the last frame ends, in seconds."""
        return self.at(len(self.ticks)) * self.time_base

    def add(self, tick: int | None, lasts: int) -> None:
        """The next frame, as a decoder gives it. One without a time, or not later than the one before, follows it."""
        follows = self.ticks[-1] + max(self.last, 1) if self.ticks else 0
        if tick is None:
            tick = follows
        elif self.ticks and tick <= self.ticks[-1]:
            tick = self.ticks[-1] + 1
        if lasts <= 0:  # the file does not say
            lasts = tick - self.ticks[-1] if self.ticks else self.last
        self.ticks.append(tick)
        self.last = lasts

    def end_by(self, seconds: Fraction) -> None:
        """The last frame lasts no longer than until then."""
        self.last = max(min(self.last, round(seconds / self.time_base) - self.ticks[-1]), 1)

    def at(self, index: int) -> int:
        """The tick of frame `index`. Before the first frame and after the last, time goes on in steps of these."""
        count = len(self.ticks)
        if index < 0:
            step = self.ticks[1] - self.ticks[0] if count > 1 else self.last
            return self.ticks[0] + index * step
        if index >= count:
            return self.ticks[-1] + (index - count + 1) * self.last
        return self.ticks[index]
