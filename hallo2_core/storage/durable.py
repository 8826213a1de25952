"""Files that are complete or absent, whatever stops the machine."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .presence import is_there

logger = logging.getLogger("hallo2")

WINDOWS_PATIENCE_SECONDS = 2.0
# Errors from file systems that do not support it: FUSE, SMB and some network volumes of rented machines.
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EISDIR, errno.EACCES}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a path beside `path`, where the new file is written; then it replaces `path` atomically and durably: a
    reader, or a restart, sees the old file or the new one. After an error nothing of the new one is left."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        rename(part, path)
    finally:
        with suppress(OSError):  # of two errors, the first is the cause
            part.unlink(missing_ok=True)  # on a full disk every byte counts


def replace_file(path: Path, content: bytes) -> None:
    """As `replacing`, with this content."""
    with replacing(path) as part:
        part.write_bytes(content)


def make_folder(folder: Path) -> None:
    """Create the folder and its missing parents, durably. It may exist already."""
    new = [place for place in (folder, *folder.parents) if not is_there(place)]
    folder.mkdir(parents=True, exist_ok=True)
    for place in new:
        sync_folder(place.parent)


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
