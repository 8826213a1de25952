"""What a worker adds to a job: reports of its progress, and patience with a lock that a lost worker left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ..errors import JobHeldError
from ..jobs.soft_lock import STALE_SECONDS
from ..runtime import LocalRuntime

REPORT_SECONDS = 0.5
HELD_SECONDS = STALE_SECONDS + 30.0  # a lock without an owner is free again by then
RETRY_SECONDS = 2.0
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """Of one part of an order's work."""

    part: str
    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def left(self) -> int:
        """Steps to go; 0 if none are counted."""
        return self.total - self.done


class Report(Protocol):
    """Where progress goes. Must not block."""

    def __call__(self, progress: Progress) -> None: ...


class ReportingRuntime(LocalRuntime):
    """Reports progress twice a second at most."""

    def __init__(self, device: torch.device, part: str, report: Report, budget_bytes: float | None = None) -> None:
        """part: of the order's work, for the screen."""
        super().__init__(device, budget_bytes)
        self._part, self._report = part, report
        self._latest, self._next = Progress(part), 0.0

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        if (now := time.monotonic()) >= self._next or done >= total:
            self._next = now + REPORT_SECONDS
            self._latest = Progress(self._part, done, total, self._latest.note)
            self._report(self._latest)

    def notify(self, text: str) -> None:
        if text:
            self._latest = Progress(self._part, self._latest.done, self._latest.total, text)
            self._report(self._latest)


def once_free(work: Callable[[], Result], report: Report) -> Result:
    """Do the work; while another run holds its job, wait for it. A worker that died may hold it for a moment.

    Raises JobHeldError if it is still held after `HELD_SECONDS`: then another run is alive.
    """
    until = time.monotonic() + HELD_SECONDS
    while True:
        try:
            return work()
        except JobHeldError as error:
            if time.monotonic() > until:
                raise
            report(Progress("waiting", note=str(error)))
            time.sleep(RETRY_SECONDS)
