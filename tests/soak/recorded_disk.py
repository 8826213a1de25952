"""What a disk may hold after a power cut, from a record of every change that a run made (see `failing_calls.c`).

Only synced bytes and names are certain. Of the bytes written to a file since its last fsync, and of the names changed
in a folder since that folder's last fsync, any may be there and any may be missing. A rename is one change.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SECTOR_BYTES = 512
REBOOT_SECONDS = 600


@dataclass(frozen=True)
class Change:
    what: str  # create, write, truncate, fsync, rename, link, unlink, mkdir, rmdir; or confirmed: so many clips
    path: str
    target: str
    offset: int  # of a write; the size after a truncation; the number of confirmed clips
    content: bytes


def read_record(record: bytes) -> Iterator[Change]:
    start = 0
    while start < len(record):
        end = record.index(b"\n", start)
        what, path, target, offset, size = record[start:end].decode().split("\t")
        start = end + 1 + int(size)
        yield Change(what, path, target, int(offset), record[end + 1 : start])


@dataclass
class Inode:
    """A file's certain bytes, and the changes since; or a folder."""

    is_folder: bool = False
    synced: bytes = b""
    pending: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Renaming:
    """Names that change at once; None is no longer there."""

    folder: str  # whose fsync makes it certain
    names: tuple[tuple[str, Inode | None], ...]


class RecordedDisk:
    def __init__(self, folder: Path) -> None:
        """folder: its present content is certain."""
        self._folder = str(folder)
        self._names: dict[str, Inode] = {str(folder): Inode(is_folder=True)}
        for path in sorted(folder.rglob("*")):
            self._names[str(path)] = Inode(path.is_dir(), b"" if path.is_dir() else path.read_bytes())
        self._certain = dict(self._names)
        self._pending: list[Renaming] = []
        self.confirmed_clips = 0

    def apply(self, change: Change) -> None:
        if change.what == "confirmed":
            self.confirmed_clips = change.offset
        elif change.what in ("write", "truncate"):
            if change.path in self._names:  # not removed while it was open
                self._names[change.path].pending.append(change)
        elif change.what == "fsync":
            self._sync(change.path)
        else:
            self._rename(change)

    def _sync(self, path: str) -> None:
        inode = self._names.get(path)
        if inode is None:
            return
        if not inode.is_folder:
            inode.synced, inode.pending = _written(inode.synced, inode.pending), []
            return
        for renaming in [renaming for renaming in self._pending if renaming.folder == path]:
            _rename(self._certain, renaming)
        self._pending = [renaming for renaming in self._pending if renaming.folder != path]

    def _rename(self, change: Change) -> None:
        path, target = change.path, change.target
        names: dict[str, tuple[tuple[str, Inode | None], ...]] = {
            "create": ((path, Inode()),),
            "mkdir": ((path, Inode(is_folder=True)),),
            "unlink": ((path, None),),
            "rmdir": ((path, None),),
            "rename": ((path, None), (target, self._names.get(path))),
            "link": ((target, self._names.get(path)),),
        }
        renaming = Renaming(str(PurePosixPath(target or path).parent), names[change.what])
        _rename(self._names, renaming)
        self._pending.append(renaming)

    def cut(self, keep_bytes: float, keep_names: float, draws: random.Random) -> None:
        """Put what the disk may hold into the folder. keep_bytes, keep_names: how probably each unsynced change
        survives."""
        names = dict(self._certain)
        for renaming in self._pending:
            if draws.random() < keep_names:
                _rename(names, renaming)
        shutil.rmtree(self._folder)
        os.mkdir(self._folder)
        rebooted = time.time() - REBOOT_SECONDS
        for path in sorted(names, key=lambda path: path.count("/")):
            inode, parent = names[path], os.path.dirname(path)
            if path == self._folder or not os.path.isdir(parent):  # its folder has no name
                continue
            if inode.is_folder:
                os.mkdir(path)
            else:
                kept = [part for change in inode.pending for part in _sectors(change) if draws.random() < keep_bytes]
                Path(path).write_bytes(_written(inode.synced, kept))
                os.utime(path, (rebooted, rebooted))


def _rename(names: dict[str, Inode], renaming: Renaming) -> None:
    for name, inode in renaming.names:
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def _sectors(change: Change) -> Iterator[Change]:
    if change.what != "write":
        yield change
        return
    for start in range(0, len(change.content), SECTOR_BYTES):
        part = change.content[start : start + SECTOR_BYTES]
        yield Change("write", change.path, "", change.offset + start, part)


def _written(content: bytes, changes: list[Change]) -> bytes:
    changed = bytearray(content)
    for change in changes:
        end = change.offset + len(change.content)
        if change.what == "truncate":
            del changed[change.offset :]
        changed.extend(bytes(max(end - len(changed), 0)))
        changed[change.offset : end] = change.content
    return bytes(changed)
