"""A file that only one run can create, that names its owner, and whose time the owner keeps updating.

It holds where file locks do not: some network volumes refuse `flock`, and many, such as FUSE mounts, keep it within one
machine. It remains if the owner is killed. Then it is stale: at once if the owner ran on this machine and its process
or file lock is gone, otherwise if it was not touched for `STALE_SECONDS` by the disk's own clock.
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
from functools import cache
from pathlib import Path

from ..errors import JobError
from ..storage.json_text import parse_json
from ..storage.presence import is_there

logger = logging.getLogger("hallo2")

BEAT_SECONDS = 15.0
STALE_SECONDS = 120.0
SETTLING_SECONDS = 0.5
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux; tells machines with the same name apart


class SoftLock:
    """Exclusive creation of `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = {"token": uuid.uuid4().hex, "pid": os.getpid(), **_machine()}
        self._ended = threading.Event()

    def acquire(self, now: float, has_file_lock: bool = False) -> bool:
        """False if another run holds it. A stale one is removed first.

        now: by the disk's clock. has_file_lock: whether this run also holds the file lock beside it.
        """
        has_ended = has_file_lock and _had_file_lock(self._path)
        was_stale = is_there(self._path) and (has_ended or _is_stale(self._path, now))
        if was_stale:
            logger.info("Removed the lock %s, left by a run that has ended (%s).", self._path, owner_of(self._path))
            self._path.unlink(missing_ok=True)
        if not self._create(has_file_lock):
            return False
        if was_stale and not has_ended:  # two runs may find it stale: the one that removes the other's gets the lock
            time.sleep(SETTLING_SECONDS)
            if not self._is_ours():
                return False
        threading.Thread(target=self._beat, name="hallo2-lock", daemon=True).start()
        return True

    def release(self) -> None:
        self._ended.set()
        with suppress(OSError):  # then it becomes stale
            if self._is_ours():
                self._path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raises JobError if this run has released it, or if another found it stale, for example while this machine
        slept; OSError if the disk fails."""
        if self._ended.is_set():
            raise JobError(f"The run that was writing to {self._path.parent} has ended. Start it again to continue.")
        if not self._is_ours():
            raise JobError(
                f"{self._path.parent} was taken over by another run ({owner_of(self._path)}) while this one was "
                f"suspended. Let that run finish."
            )

    def _create(self, has_file_lock: bool) -> bool:
        try:
            file = self._path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with file:
                json.dump(self._owner | {"file_lock": has_file_lock}, file)
        except OSError:
            with suppress(OSError):  # half an owner would be waited for
                self._path.unlink()
            raise
        return True

    def _is_ours(self) -> bool:
        return _read(self._path).get("token") == self._owner["token"]

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with suppress(OSError):  # the network may be down for a moment
                if not self._is_ours():
                    return
                os.utime(self._path)


def is_held(path: Path, has_file_lock: bool = False) -> bool:
    """Read-only, hence by this machine's clock. has_file_lock: whether nobody on this machine holds the file lock."""
    if has_file_lock and _had_file_lock(path):
        return False
    return is_there(path) and not _is_stale(path, time.time())


def _had_file_lock(path: Path) -> bool:
    """Whether the owner ran on this machine, since it was started, with the file lock."""
    owner = _read(path)
    return bool(owner.get("file_lock")) and _machine().items() <= owner.items()


def _is_stale(path: Path, now: float) -> bool:
    owner = _read(path)
    if owner.get("host") == _machine()["host"] and not _is_alive(owner.get("pid")):
        return True
    try:
        return abs(now - path.stat().st_mtime) > STALE_SECONDS  # also in the future, if the clock was set back
    except FileNotFoundError:
        return False


def owner_of(path: Path) -> str:
    """A description of the owner, for messages."""
    owner = _read(path)
    return f"process {owner.get('pid', 'unknown')} on {owner.get('host', 'an unknown machine')}"


def _read(path: Path) -> dict[str, object]:
    try:
        owner = parse_json(path.read_bytes())
    except (FileNotFoundError, ValueError):  # missing, or not written yet
        return {}
    return owner if isinstance(owner, dict) else {}


@cache
def _machine() -> dict[str, str]:
    boot = ""
    with suppress(OSError):
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    return {"host": socket.gethostname(), "boot": boot}


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
