"""Folders that may not exist yet: the disk that they will be on, and whether files can be written there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .advice import UnchangeableFilesError

# How mounts without a write cache answer.
WRITE_ONCE = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF}


def existing_part(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.isdir(place))


def check_writable(folder: Path, name: str) -> None:
    """Create a file of this name in the folder, or where that will be, then change it and remove it. Jobs and videos
    need both; mounted cloud storage often supports only the first. Raises OSError."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(folder))
    path = existing_part(folder) / name
    try:
        path.write_bytes(b"12")
        try:
            with path.open("r+b") as file:
                file.seek(1)
                file.write(b"3")
        except OSError as error:
            if error.errno not in WRITE_ONCE:
                raise
            reason = f"files there cannot be changed after they are written ({error.strerror or error})"
            raise UnchangeableFilesError(error.errno, reason, str(folder)) from error
    finally:
        path.unlink(missing_ok=True)


def writing_problem(folder: Path) -> str:
    """Why files cannot be written to the folder; empty if nothing speaks against it."""
    try:
        check_writable(folder, f".hallo2-check-{os.getpid()}")
    except OSError as error:
        return error.strerror or str(error)
    return ""
