"""One run of a job at a time, on this machine and on others that share the disk.

Two locks: a file lock, which the system releases when the process ends, however it ends; and a file that names the
owner (see `soft_lock`), for disks that have no file locks, or keep them within one machine.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..errors import JobHeldError
from ..storage.durable import make_folder
from .soft_lock import STALE_SECONDS, SoftLock, is_held, owner_of

LOCK, OWNER = "lock", "lock.owner"
NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class JobLock:
    """Exclusive use of a job's folder, which is created if missing. A context manager.

    Its files are removed when the run ends. After a kill they stay, which has no effect.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._soft = SoftLock(folder / OWNER)

    def acquire(self) -> None:
        """Raises JobHeldError if another run holds it, OSError if the disk fails."""
        folder = self._path.parent
        make_folder(folder)
        try:
            has_file_lock = self._lock_file()
            try:
                if not self._soft.acquire(self._disk_time(), has_file_lock):
                    raise self._held(
                        owner_of(folder / OWNER),
                        f" If it was killed on another machine, the job is free after {STALE_SECONDS:.0f} seconds.",
                    )
            except BaseException:
                self._close()  # the file stays: it may be another machine's
                raise
        except BaseException:
            with suppress(OSError):  # not empty
                folder.rmdir()
            raise

    def release(self) -> None:
        """Whatever the disk answers, the lock is released; files may stay."""
        if os.name == "nt":  # open files, ours or a newer run's, cannot be removed there
            self._close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)  # a run that has already opened the file then finds it gone
        self._soft.release()  # last: until then, no other machine relies on the file
        self._close()

    def check(self) -> None:
        """Raises JobError if the lock was lost, or released; OSError if the disk fails."""
        self._soft.check()

    def _lock_file(self) -> bool:
        """Open and lock it. False if the disk has no file locks."""
        while True:
            self._file = self._path.open("a+b")
            try:
                _lock(self._file.fileno())
                if self._is_still_there():
                    return True
            except HELD_BY_ANOTHER:
                self._close()
                raise self._held("another run") from None
            except OSError as error:
                if error.errno in NO_LOCKS:
                    return False
                self._close()
                raise
            self._close()  # an ending run removed the file between our opening and locking it

    def _close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _disk_time(self) -> float:
        """The current time by the clock that sets the folder's file times."""
        self._path.touch()
        return self._path.stat().st_mtime

    def _held(self, by: str, hint: str = "") -> JobHeldError:
        return JobHeldError(
            f"This video is already being made by {by} (its job is {self._path.parent}). Wait for that run, or start "
            f"over under another name to make a second one.{hint}"
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
    has_file_lock = True
    try:
        with (folder / LOCK).open("r+b") as file:
            _lock(file.fileno())
    except FileNotFoundError:
        pass
    except HELD_BY_ANOTHER:
        return True
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        has_file_lock = False
    return is_held(folder / OWNER, has_file_lock)


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
