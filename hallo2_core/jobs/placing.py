"""Moves a finished video where the user wants it, or hard-links it there without taking the space twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..errors import JobError
from ..storage.durable import make_folder, rename, sync_folder
from ..storage.free_path import free_path
from .disk_errors import disk_errors
from .journal import newest_journal, replace_journal, seen_from
from .listing import ListedJob
from .lock import JobLock


def move_video(job: ListedJob, folder: Path) -> Path:
    """Move the finished video into `folder`, under its own name or a numbered one. The journal records the new path, so
    the same inputs still find the video. Returns the path. Raises JobError if the job is unfinished or running."""
    with _placed(job, folder) as (video, target):
        if target == video:
            return video
        try:
            os.link(video, target)
        except OSError:  # another disk, or one without hard links
            _copy(video, target)
        sync_folder(folder)
        journal = newest_journal(job.folder)
        replace_journal(job.folder, replace(journal, video=seen_from(job.folder, target)))
        video.unlink(missing_ok=True)  # last: after a kill just before, the video has two names, one in the journal
    return target


def link_video(job: ListedJob, folder: Path) -> Path:
    """Hard-link the finished video into `folder`. The link takes no space and outlives the job."""
    with _placed(job, folder) as (video, target):
        if target == video:
            return video
        try:
            os.link(video, target)
        except OSError as error:
            raise JobError(
                f"{video} cannot be hard-linked into {folder} ({error.strerror}): the folder is on another disk, or "
                f"the disk does not support hard links. Move the video instead."
            ) from error
        sync_folder(folder)
    return target


@contextmanager
def _placed(job: ListedJob, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Locks the job. Yields its finished video, and a free path for it in `folder`: the same path if it is there."""
    with disk_errors(job.folder, hint=""), JobLock(job.folder):
        journal = newest_journal(job.folder)
        video = None if journal is None else journal.published(job.folder)
        if video is None:
            raise JobError(
                f"{job.name} is not finished, so there is no video to move or link yet. Run it again with the same "
                f"inputs to finish it."
            )
        make_folder(folder)
        is_there = folder.resolve() == video.parent.resolve()
        yield video, video if is_there else free_path(folder / video.name)


def _copy(video: Path, target: Path) -> None:
    """To another disk: complete and durable before it gets its name."""
    part = target.with_name(f".{target.stem}.part.mp4")
    try:
        shutil.copy2(video, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        rename(part, target)
    finally:
        part.unlink(missing_ok=True)
