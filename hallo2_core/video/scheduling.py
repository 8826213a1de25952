"""Keeps an encoder from making this process real-time.

SVT-AV1, when it runs as root, gives its threads and the calling one the policy SCHED_FIFO with priority 99. Containers
usually run as root: there an encode starved the rest of the machine, and every process started later inherited the
policy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")


@contextmanager
def keep_scheduling() -> Iterator[None]:
    """Threads that are started or changed inside get the policy that the calling thread has now. Linux only; elsewhere
    the encoder does not change it."""
    if not hasattr(os, "sched_setscheduler") or not THREADS.is_dir():
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _policies()
    try:
        yield
    finally:
        for thread, found in _policies().items():
            if found != before.get(thread, policy):
                with suppress(ProcessLookupError, PermissionError):  # it has just ended
                    os.sched_setscheduler(thread, policy, parameters)


def _policies() -> dict[int, int]:
    """Thread id → scheduling policy."""
    found = {}
    for entry in THREADS.iterdir():
        with suppress(ProcessLookupError):
            found[int(entry.name)] = os.sched_getscheduler(int(entry.name))
    return found
