"""A lock for disks without file locks: a file that only one run can create, and whose time it keeps updating.

Some network volumes, of rented machines for example, refuse `flock`. There the file alone names the job's owner, and
remains if the owner is killed. It is stale if its owner was a process of this machine that has ended, or if it was not
touched for `STALE_SECONDS` by the disk's own clock.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

from ..errors import JobError
from ..storage.json_text import parse_json

logger = logging.getLogger("hallo2")

BEAT_SECONDS = 15.0
STALE_SECONDS = 120.0
SETTLING_SECONDS = 0.5


class SoftLock:
    """Exclusive creation of `path`, which names the owner."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = {"token": uuid.uuid4().hex, "pid": os.getpid(), "host": socket.gethostname()}
        self._ended = threading.Event()

    def acquire(self) -> bool:
        """False if another run holds it. A stale lock is removed first, with a warning in the log."""
        was_stale = self._path.exists() and _is_stale(self._path, _now_on(self._path.parent))
        if was_stale:
            logger.warning("Removed the lock %s, left by a run that has ended (%s).", self._path, owner_of(self._path))
            self._path.unlink(missing_ok=True)
        try:
            with self._path.open("x", encoding="utf-8") as file:
                json.dump(self._owner, file)
        except FileExistsError:
            return False
        if was_stale:  # two runs may find it stale: the one that removes the other's new file gets the lock
            time.sleep(SETTLING_SECONDS)
            if not self._is_ours():
                return False
        threading.Thread(target=self._beat, name="hallo2-lock", daemon=True).start()
        return True

    def release(self) -> None:
        self._ended.set()
        if self._is_ours():
            self._path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raises JobError if another run found the lock stale, for example while this machine slept."""
        if not self._is_ours():
            raise JobError(
                f"{self._path.parent} was taken over by another run ({owner_of(self._path)}) while this one was "
                f"suspended. Let that run finish."
            )

    def _is_ours(self) -> bool:
        return _read(self._path).get("token") == self._owner["token"]

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with suppress(OSError):  # the network may be down for a moment
                os.utime(self._path)


def is_held(path: Path) -> bool:
    """Read-only, hence by this machine's clock."""
    return path.exists() and not _is_stale(path, time.time())


def _is_stale(path: Path, now: float) -> bool:
    owner = _read(path)
    if owner.get("host") == socket.gethostname() and not _is_alive(owner.get("pid")):
        return True
    try:
        return now - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False


def owner_of(path: Path) -> str:
    """A description of the owner, for messages."""
    owner = _read(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown machine')}"


def _read(path: Path) -> dict[str, object]:
    try:
        owner = parse_json(path.read_bytes())
    except (OSError, ValueError):  # missing, or not written yet
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_alive(pid: object) -> bool:
    """True if unknown, and always on Windows, where `os.kill` may end the process."""
    if not isinstance(pid, int) or os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _now_on(folder: Path) -> float:
    """The current time by the clock that sets the folder's file times."""
    probe = folder / f".clock-{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
