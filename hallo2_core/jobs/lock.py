"""One run of a job at a time. The system releases the lock when the process ends, however it ends.

On disks without locks, a file that only one run can create is used instead: see `soft_lock`.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..errors import JobHeldError
from .soft_lock import SoftLock, is_held, owner_of

LOCK, OWNER = "lock", "lock.owner"
NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class JobLock:
    """An exclusive lock on the file `lock` in a job's folder. Both are created if missing; a context manager.

    The file is removed when the run ends. After a kill it stays, which has no effect.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._owner_path = folder / OWNER
        self._soft: SoftLock | None = None

    def acquire(self) -> None:
        """Raises JobHeldError if another run holds it."""
        while True:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b")
            try:
                _lock(self._file.fileno())
            except HELD_BY_ANOTHER:
                self._file.close()
                raise self._held() from None
            except OSError as error:
                self._file.close()
                if error.errno not in NO_LOCKS:
                    raise
                self._acquire_soft()
                return
            if self._is_still_there():
                break
            self._file.close()  # an ending run removed the file between our opening and locking it
        if is_held(self._owner_path):  # by a machine that cannot lock on this disk
            self.release()
            raise self._held(owner_of(self._owner_path))

    def release(self) -> None:
        if self._soft is not None:
            self._soft.release()
            self._soft = None
        elif os.name == "nt":  # open files, ours or a newer run's, cannot be removed there
            self._file.close()
            with suppress(PermissionError):
                self._path.unlink(missing_ok=True)
        else:  # a run that has already opened the file then finds it gone
            self._path.unlink(missing_ok=True)
            self._file.close()

    def check(self) -> None:
        """Raises JobError if the lock was lost, which only happens to a soft lock."""
        if self._soft is not None:
            self._soft.check()

    def _acquire_soft(self) -> None:
        self._path.unlink(missing_ok=True)
        soft = SoftLock(self._owner_path)
        if not soft.acquire():
            raise self._held(owner_of(self._owner_path))
        self._soft = soft

    def _held(self, by: str = "another run") -> JobHeldError:
        return JobHeldError(
            f"This video is already being made by {by} (its job is {self._path.parent}). Wait for that run, or start "
            f"over under another name to make a second one."
        )

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
    """Whether a run, of this process or another, holds the job. Changes nothing on disk."""
    if is_held(folder / OWNER):
        return True
    try:
        with (folder / LOCK).open("r+b") as file:
            _lock(file.fileno())
    except FileNotFoundError:
        return False
    except HELD_BY_ANOTHER:
        return True
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
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
