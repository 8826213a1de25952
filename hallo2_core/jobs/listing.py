"""The jobs below a folder, finished or not: listing, description and size; and removal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import JobError
from .disk_errors import disk_errors
from .folder import SEGMENTS, remove_finished, remove_orphans, remove_unfinished
from .journal import Journal, newest_journal
from .key import JobKey
from .lock import JobLock, is_running

NODE_FOLDER = "hallo2_jobs"  # in the host's output folder: one folder per job
VIDEO_FOLDER = "hallo2"  # beside it: the finished videos of the nodes
COMMAND_SUFFIX = ".hallo2"  # beside the video that the command line makes


@dataclass(frozen=True)
class ListedJob:
    folder: Path
    what: str  # empty without a journal
    frames: int  # finished ones; 0 if unknown
    frames_in_all: int  # 0 if not known yet
    size_bytes: int  # what removing it frees
    age_seconds: float  # since the last write
    is_running: bool
    video: Path | None  # the finished file
    video_bytes: int
    is_old: bool  # version 0.1.0: can be watched and removed, but is never found again or resumed

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def state(self) -> str:
        return "being made" if self.is_running else "finished" if self.video is not None else "stopped"

    @property
    def pictures(self) -> Path | None:
        """Files to take a preview frame from: the video, or its first clips."""
        return self.video or next(iter(sorted(self.folder.glob(SEGMENTS))), None)


def all_jobs(folder: Path) -> list[ListedJob]:
    """Jobs in the folder, its subfolders, and the nodes' folder inside each; the oldest first. Read-only."""
    if not os.path.isdir(folder):
        raise JobError(f"There is no folder {folder}. Give the folder of the videos with --jobs.")
    jobs = [job for place in sorted(set(_places(folder))) if (job := _listed(place)) is not None]
    return sorted(jobs, key=lambda job: -job.age_seconds)


def unfinished_jobs(folder: Path) -> list[ListedJob]:
    """As `all_jobs`, without those whose video exists."""
    return [job for job in all_jobs(folder) if job.video is None]


def choose(
    jobs: Sequence[ListedJob],
    names: Sequence[str] = (),
    older_than_seconds: float | None = None,
    most_bytes: float | None = None,
) -> list[ListedJob]:
    """Jobs with these names, jobs older than `older_than_seconds`, and the oldest until the rest is within
    `most_bytes`. Never a running job."""
    idle = [job for job in jobs if not job.is_running]
    chosen = [
        job
        for job in idle
        if job.name in names or (older_than_seconds is not None and job.age_seconds > older_than_seconds)
    ]
    if most_bytes is not None:
        left = sum(job.size_bytes for job in jobs if job not in chosen)
        for job in idle:
            if left > most_bytes and job not in chosen:
                chosen.append(job)
                left -= job.size_bytes
    return chosen


def remove(job: ListedJob) -> None:
    """Remove a job's files, and its folder if nothing else is in it. Raises JobError if the job is running,
    or the disk fails.

    A finished job's video is removed too if it is in the job's folder or the nodes' folder. A video that the user
    named stays: it is just no longer found by its inputs.
    """
    with disk_errors(job.folder, hint=""), JobLock(job.folder):
        journal = newest_journal(job.folder)
        video = None if journal is None else journal.published(job.folder)
        if video is None:
            remove_unfinished(job.folder)
            remove_orphans(job.folder)
        elif job.video is not None:  # finished already when listed, not since
            if is_own_video(job.folder, video):
                video.unlink(missing_ok=True)
            remove_finished(job.folder)
    with suppress(OSError):  # not empty
        job.folder.rmdir()


def is_own_video(job_folder: Path, video: Path) -> bool:
    """Whether a finished video is where the nodes put theirs, and is removed with its job."""
    own_folders = (job_folder, job_folder.parent.parent / VIDEO_FOLDER)
    is_own = video.parent.resolve() in [folder.resolve() for folder in own_folders]
    return is_own and job_folder.parent.name == NODE_FOLDER


def _places(folder: Path) -> Iterator[Path]:
    """Folders that may be jobs."""
    below = [path for path in folder.iterdir() if path.is_dir()]
    for place in (folder, *below):
        if place.suffix == COMMAND_SUFFIX or place.parent.name == NODE_FOLDER or _journal_of(place) is not None:
            yield place
        if (place / NODE_FOLDER).is_dir():
            yield from (path for path in (place / NODE_FOLDER).iterdir() if path.is_dir())


def _listed(folder: Path) -> ListedJob | None:
    journal = _journal_of(folder)
    try:
        video = None if journal is None else journal.published(folder)
        states = {path: path.stat() for path in (folder, *folder.iterdir())}
        if video is not None:
            states[video] = video.stat()
    except FileNotFoundError:  # it was stopped or resumed just now
        return None
    is_own = video is not None and is_own_video(folder, video)
    known = Journal(JobKey({})) if journal is None else journal
    return ListedJob(
        folder,
        known.key.what,
        known.key.frames if video is not None else known.frames,
        known.key.frames,
        sum(state.st_size for path, state in states.items() if path != folder and (path != video or is_own)),
        max(time.time() - max(state.st_mtime for state in states.values()), 0.0),  # clocks may disagree
        is_running(folder),
        video,
        0 if video is None else states[video].st_size,
        journal is not None and journal.is_old,
    )


def _journal_of(folder: Path) -> Journal | None:
    """None also for a folder that may not be read, such as another user's."""
    try:
        return newest_journal(folder)
    except PermissionError:
        return None
