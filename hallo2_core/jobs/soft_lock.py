"""A lock for disks that have none of their own: a file that only one run can make, and keeps touching.

Network volumes, of rented machines for example, refuse `flock`. There the file alone says who has the job, and stays
when its owner is killed. It is stale when its owner was a process of this machine that is gone, or when it was not
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

logger = logging.getLogger("hallo2")

BEAT_SECONDS = 15.0
STALE_SECONDS = 120.0
SETTLING_SECONDS = 0.5


class SoftLock:
    """Exclusive creation of `path`, with the owner's name in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = {"token": uuid.uuid4().hex, "pid": os.getpid(), "host": socket.gethostname()}
        self._ended = threading.Event()

    def acquire(self) -> bool:
        """False where another run has it. A stale one is taken away first, and the log says so."""
        was_stale = self._path.exists() and _is_stale(self._path, _now_on(self._path.parent))
        if was_stale:
            logger.warning("A run that has ended left the lock %s (%s): removed.", self._path, owner_of(self._path))
            self._path.unlink(missing_ok=True)
        try:
            with self._path.open("x", encoding="utf-8") as file:
                json.dump(self._owner, file)
        except FileExistsError:
            return False
        if was_stale:  # two may have found it so: the one that removed the other's new file has it
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
        """Raises JobError where another run took the lock for stale, as after this machine slept."""
        if not self._is_ours():
            raise JobError(
                f"{self._path.parent} was taken over by another run ({owner_of(self._path)}) while this one stood "
                f"still. Let that one finish."
            )

    def _is_ours(self) -> bool:
        return _read(self._path).get("token") == self._owner["token"]

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with suppress(OSError):  # a network may be away for a moment
                os.utime(self._path)


def is_held(path: Path) -> bool:
    """Leaves no trace: goes by this machine's clock."""
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
    """In words, for messages."""
    owner = _read(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown machine')}"


def _read(path: Path) -> dict[str, object]:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or not written yet
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_alive(pid: object) -> bool:
    """Unknown counts as alive, and so does every process on Windows, where asking may end it."""
    if not isinstance(pid, int) or os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _now_on(folder: Path) -> float:
    """The time by the clock that the folder's files get their times from."""
    probe = folder / f".clock-{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
