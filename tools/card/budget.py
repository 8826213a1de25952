"""The time that the whole report may take."""

from __future__ import annotations

import time

STARTED = time.monotonic()  # importing torch, which comes after this, may take half a minute


class Budget:
    def __init__(self, minutes: float, started: float = STARTED) -> None:
        self._end = started + 60 * minutes

    @property
    def seconds_left(self) -> float:
        return self._end - time.monotonic()
