"""The remaining time, reported once, after the first steps."""

from __future__ import annotations

import time

from torch import Tensor

from ..runtime import Runtime, RuntimeWrapper

MEASURED_STEPS = 3  # after the first one, which is a warm-up
MINUTE, HOUR = 60, 3600


class EtaRuntime(RuntimeWrapper):
    """A runtime wrapper that reports once what will be made and how long it takes."""

    def __init__(self, runtime: Runtime, what: str) -> None:
        super().__init__(runtime)
        self._what = what
        self._first: tuple[float, int] | None = None  # time of the first report, and steps done by then
        self._is_said = False

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        super().progress(done, total, preview)
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        since, before = self._first
        if not self._is_said and done - before >= MEASURED_STEPS and done < total:
            left = (now - since) / (done - before) * (total - done)
            self.notify(f"{self._what}; about {readable_time(left)} to go")
            self._is_said = True


def readable_time(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"
