"""One run of a job at a time. The system drops the lock when the process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..errors import JobError

LOCK = "lock"


class JobLock:
    """An exclusive lock on the file `lock` in a job's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK

    def acquire(self) -> None:
        """Raises JobError where another run has it."""
        while True:
            self._file = self._path.open("a+b")
            try:
                _lock(self._file.fileno())
            except OSError:
                self._file.close()
                raise JobError(
                    f"This video is being made already, by another run (its job is {self._path.parent}). Wait for that "
                    f"one, or start afresh to make a second one."
                ) from None
            if self._is_still_there():
                return
            self._file.close()  # a run that ended took the file away between our opening and locking it

    def release(self) -> None:
        self._file.close()

    def remove(self) -> None:
        """Take the file away, unless another run has it by now on a system that keeps open files."""
        with suppress(PermissionError):
            self._path.unlink(missing_ok=True)

    def _is_still_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


if os.name == "nt":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
