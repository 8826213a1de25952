"""A limit on the total disk space of unfinished jobs: the oldest are removed before a new one starts."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from ..errors import JobError
from .listing import ListedJob, choose, remove, unfinished_jobs

logger = logging.getLogger("hallo2")

GIGABYTE = 10**9
DAY_SECONDS = 86_400


def keep_within(folder: Path, most_gigabytes: float, own: Path) -> None:
    """Remove unfinished jobs in `folder`, the oldest first, until their total size is within the limit. 0: no limit.

    own: the job about to run. It and other running jobs count, but are never removed; finished jobs do not count.
    """
    if not most_gigabytes or not folder.is_dir():
        return
    jobs = unfinished_jobs(folder)
    others = [job for job in jobs if job.folder != own]
    taken_by_own = sum(job.size_bytes for job in jobs if job.folder == own)
    for job in choose(others, most_bytes=most_gigabytes * GIGABYTE - taken_by_own):
        with suppress(JobError):  # another run has just resumed it
            remove(job)
            logger.warning("%s", _removed(job, most_gigabytes))


def _removed(job: ListedJob, most_gigabytes: float) -> str:
    return (
        f"Unfinished videos exceeded {most_gigabytes:g} GB: the oldest, {job.folder}, was removed ({job.frames} "
        f"frames, {job.size_bytes / GIGABYTE:.1f} GB, {job.age_seconds / DAY_SECONDS:.1f} days old)."
    )
