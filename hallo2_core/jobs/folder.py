"""The files in a job's folder besides its journal, and when each is removed."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..storage.free_path import free_path
from .journal import NAME, PREVIOUS, Journal, write_journal

# File names rotate: the states of both journals are kept while the next one is written.
STATES = tuple(f"state-{turn}.safetensors" for turn in range(3))
SEGMENTS = "clips-[0-9][0-9][0-9][0-9]*.ts"
ORPHANS = "orphan-[0-9][0-9][0-9][0-9]*.ts"
AHEAD_PREFIX = "ahead-"  # clips finished by others before the clips in front of them, see `farm.ahead_clips`
GROWING = "growing.mp4"  # the finished clips with their sound, to watch
CHECK = "check.part"  # written before the work, to see whether the disk takes it
PARTS = (*(f"{name}.part" for name in (*STATES, NAME)), ".*.part.mp4", CHECK)


def segment_name(number: int) -> str:
    return f"clips-{number:04d}.ts"


def state_name(clip: int) -> str:
    return STATES[clip % len(STATES)]


def remove_links(folder: Path) -> None:
    """A job's files are files. Links under their names, as a folder from elsewhere may have, would have others
    changed."""
    for pattern in (NAME, PREVIOUS, SEGMENTS, ORPHANS, GROWING, *STATES, *PARTS):
        for path in folder.glob(pattern):
            if path.is_symlink():
                path.unlink()


def tidy(folder: Path, journal: Journal) -> Journal:
    """Remove what is not in the journal: partial writes, and after publishing everything but the journal. Returns the
    journal of what remains."""
    if journal.published(folder) is None:
        _remove(folder, {SEGMENTS, *PARTS}, keep={segment.name for segment in journal.segments})
        for segment in journal.segments:
            os.truncate(folder / segment.name, segment.size_bytes)
        return journal
    if journal.segments:
        journal = replace(journal, segments=(), state=None)
        write_journal(folder, journal)
    _remove(folder, {PREVIOUS, SEGMENTS, GROWING, *STATES, *PARTS})
    return journal


def keep_orphans(folder: Path) -> list[Path]:
    """Start over. Clips without a valid journal cannot be resumed, but are kept: they can still be watched."""
    orphans = []
    for path in sorted(folder.glob(SEGMENTS)):
        orphan = free_path(path.with_name(path.name.replace("clips", "orphan")))
        orphans.append(path.replace(orphan))
    _remove(folder, {NAME, PREVIOUS})
    return orphans


def remove_unfinished(folder: Path) -> None:
    """Remove all files of a job that has not published a video, except orphans."""
    _remove(folder, {NAME, PREVIOUS, SEGMENTS, GROWING, *STATES, *PARTS})


def remove_finished(folder: Path) -> None:
    """Remove all files of a finished job except its video."""
    _remove(folder, {NAME, PREVIOUS})


def remove_orphans(folder: Path) -> None:
    """Remove clips that no journal counts."""
    _remove(folder, {ORPHANS, f"{AHEAD_PREFIX}*"})


def _remove(folder: Path, patterns: set[str], keep: set[str] = frozenset()) -> None:
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.name not in keep:
                with suppress(PermissionError):  # on Windows, if the file is open: the next run tries again
                    path.unlink(missing_ok=True)
