"""What is unfinished below a folder, what it takes, and how to be rid of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import JobError
from .folder import remove_orphans, remove_unfinished
from .journal import NAME, PREVIOUS, Journal, read_journal
from .lock import JobLock, is_running

NODE_FOLDER = "hallo2_jobs"  # in the host's output folder: a folder a job
COMMAND_SUFFIX = ".hallo2"  # beside the video that the command line makes


@dataclass(frozen=True)
class UnfinishedJob:
    folder: Path
    frames: int  # finished ones
    size_bytes: int
    age_seconds: float  # since anything of it was written
    is_running: bool


def unfinished_jobs(folder: Path) -> list[UnfinishedJob]:
    """In the folder itself, in those in it, and in the nodes' folder of each; the oldest first. Changes nothing."""
    if not folder.is_dir():
        raise JobError(f"There is no folder {folder}. Give the one that the videos are in, with --jobs.")
    jobs = [job for place in sorted(set(_places(folder))) if (job := _unfinished(place)) is not None]
    return sorted(jobs, key=lambda job: -job.age_seconds)


def choose(
    jobs: Sequence[UnfinishedJob],
    names: Sequence[str] = (),
    older_than_seconds: float | None = None,
    most_bytes: float | None = None,
) -> list[UnfinishedJob]:
    """Those of these names, those older than so long, and as many of the oldest as it takes for the rest to be no more
    than `most_bytes`. Never one that is being made."""
    idle = [job for job in jobs if not job.is_running]
    chosen = [
        job
        for job in idle
        if job.folder.name in names or (older_than_seconds is not None and job.age_seconds > older_than_seconds)
    ]
    if most_bytes is not None:
        left = sum(job.size_bytes for job in jobs if job not in chosen)
        for job in idle:
            if left > most_bytes and job not in chosen:
                chosen.append(job)
                left -= job.size_bytes
    return chosen


def remove(job: UnfinishedJob) -> None:
    """Take away what a job has put into its folder, and the folder if nothing else is in it. A published video is none
    of that. Raises JobError where it is being made by now."""
    with JobLock(job.folder):
        if _is_unfinished(job.folder):
            remove_unfinished(job.folder)
            remove_orphans(job.folder)
    with suppress(OSError):  # there is something in it
        job.folder.rmdir()


def _places(folder: Path) -> Iterator[Path]:
    """Folders that may be jobs."""
    below = [path for path in folder.iterdir() if path.is_dir()]
    for place in (folder, *below):
        if place.suffix == COMMAND_SUFFIX or place.parent.name == NODE_FOLDER or _journal(place) is not None:
            yield place
        if (place / NODE_FOLDER).is_dir():
            yield from (path for path in (place / NODE_FOLDER).iterdir() if path.is_dir())


def _journal(folder: Path) -> Journal | None:
    return read_journal(folder / NAME) or read_journal(folder / PREVIOUS)


def _is_unfinished(folder: Path) -> bool:
    journal = _journal(folder)
    return journal is None or journal.published(folder) is None


def _unfinished(folder: Path) -> UnfinishedJob | None:
    if not _is_unfinished(folder):
        return None
    journal = _journal(folder)
    try:
        states = [path.stat() for path in (folder, *folder.iterdir())]
    except FileNotFoundError:  # it was stopped, or went on, just now
        return None
    return UnfinishedJob(
        folder,
        0 if journal is None else journal.frames,
        sum(state.st_size for state in states[1:]),
        time.time() - max(state.st_mtime for state in states),
        is_running(folder),
    )
