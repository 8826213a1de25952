"""Files that are whole or not there, whatever stops the machine."""

from __future__ import annotations

import errno
import logging
import os
import time
from functools import cache
from pathlib import Path

logger = logging.getLogger("hallo2")

WINDOWS_PATIENCE_SECONDS = 2.0
# What file systems without such a call answer: FUSE, SMB and some network volumes of rented machines.
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EISDIR, errno.EACCES}


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` under `path` in one step: a reader, or a restart, sees the old file or the new one."""
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
    """Over `target` if there is one, in one step that lasts.

    Windows refuses while another program, a virus scanner for example, looks at either file: it soon looks elsewhere.
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
    """Make the names in a folder last. Windows has no such call, and does it by itself. Where a file system has none,
    that is said once: names are then as safe as its owner makes them."""
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
        "The disk below %s cannot make a folder's names durable (%s). A power failure there may lose the last clip.",
        where,
        reason,
    )
