"""Files that are complete or absent, whatever stops the machine."""

from __future__ import annotations

import errno
import logging
import os
import time
from functools import cache
from pathlib import Path

logger = logging.getLogger("hallo2")

WINDOWS_PATIENCE_SECONDS = 2.0
# Errors from file systems that do not support it: FUSE, SMB and some network volumes of rented machines.
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EISDIR, errno.EACCES}


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: a reader, or a restart, sees the old file or the new one."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename(part, path)
    except OSError:
        part.unlink(missing_ok=True)  # on a full disk every byte counts
        raise


def rename(path: Path, target: Path) -> None:
    """Rename atomically and durably, replacing `target` if it exists.

    Windows refuses while another program, such as a virus scanner, has either file open, so the call is retried.
    """
    patient_until = time.monotonic() + WINDOWS_PATIENCE_SECONDS
    while True:
        try:
            os.replace(path, target)
            break
        except PermissionError:
            if os.name != "nt" or time.monotonic() > patient_until:
                raise
            time.sleep(0.05)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows has no such call and does not need it. If a file system does not
    support it, a warning is logged once: durability then depends on that file system."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
        _say_once(str(folder.absolute().parent), error.strerror)


@cache
def _say_once(where: str, reason: str) -> None:
    logger.warning(
        "The file system of %s cannot sync folders (%s). A power failure there may lose the last clip.",
        where,
        reason,
    )
