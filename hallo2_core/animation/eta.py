"""The clip in the making and the remaining time, reported after the first steps and then every minute."""

from __future__ import annotations

import time

from torch import Tensor

from ..runtime import Runtime, RuntimeWrapper

MEASURED_STEPS = 3  # after the first one, which is a warm-up
MEASURED_SECONDS = 10.0  # or fewer steps, if they take this long
SAID_EVERY_SECONDS = 60.0
MINUTE, HOUR = 60, 3600


class EtaRuntime(RuntimeWrapper):
    """A runtime wrapper that reports what is made, how far it is and how long it still takes."""

    def __init__(self, runtime: Runtime, what: str, clips: int, burst: int = 1) -> None:
        """burst: how many steps end at about the same time, such as the frames of a window; they count as one."""
        super().__init__(runtime)
        self._what, self._clips, self._burst = what, clips, burst
        self._first: tuple[float, int] | None = None  # time of the first report, and steps done by then
        self._said = -SAID_EVERY_SECONDS  # when it was reported last

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        super().progress(done, total, preview)
        if done % self._burst:
            return
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        since, before = self._first
        steps, seconds = (done - before) // self._burst, now - since
        is_measured = steps >= MEASURED_STEPS or (steps >= 1 and seconds >= MEASURED_SECONDS)
        if now - self._said >= SAID_EVERY_SECONDS and is_measured and done < total:
            left = seconds / (done - before) * (total - done)
            clip = done * self._clips // total + 1
            self.notify(f"Clip {clip} of {self._clips}, about {readable_time(left)} to go. {self._what}")
            self._said = now


def readable_time(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"
