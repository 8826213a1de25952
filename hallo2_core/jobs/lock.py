"""One run of a job at a time. The system drops the lock when the process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..errors import JobError

LOCK = "lock"


class JobLock:
    """An exclusive lock on the file `lock` in a job's folder. Both are made where they are missing; a context manager.

    The file goes with the run. Where that was killed it stays, and says nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK

    def acquire(self) -> None:
        """Raises JobError where another run has it."""
        while True:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b")
            try:
                _lock(self._file.fileno())
            except HELD_BY_ANOTHER:
                self._file.close()
                raise JobError(
                    f"This video is being made already, by another run (its job is {self._path.parent}). Wait for that "
                    f"one, or start afresh to make a second one."
                ) from None
            except OSError:
                self._file.close()
                raise
            if self._is_still_there():
                return
            self._file.close()  # a run that ended took the file away between our opening and locking it

    def release(self) -> None:
        if os.name == "nt":  # open files cannot be taken away there, neither ours nor that of a run that came since
            self._file.close()
            with suppress(PermissionError):
                self._path.unlink(missing_ok=True)
        else:  # whoever opened the file before now finds it gone
            self._path.unlink(missing_ok=True)
            self._file.close()

    def __enter__(self) -> JobLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _is_still_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


def is_running(folder: Path) -> bool:
    """Whether some run, of this process or another, has the job. Leaves no trace."""
    try:
        with (folder / LOCK).open("r+b") as file:
            _lock(file.fileno())
    except FileNotFoundError:
        return False
    except HELD_BY_ANOTHER:
        return True
    return False


if os.name == "nt":
    import msvcrt

    HELD_BY_ANOTHER = PermissionError

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    HELD_BY_ANOTHER = BlockingIOError

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
