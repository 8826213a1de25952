"""A limit on what unfinished jobs take on the disk together: the oldest make room before a new one begins."""

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
    """Take away unfinished jobs in `folder`, the oldest first, until all take no more than so much. 0: never.

    own: the job about to run. It counts, but stays, as do those that are being made; what is finished is none of them.
    """
    if not most_gigabytes or not folder.is_dir():
        return
    jobs = unfinished_jobs(folder)
    others = [job for job in jobs if job.folder != own]
    taken_by_own = sum(job.size_bytes for job in jobs if job.folder == own)
    for job in choose(others, most_bytes=most_gigabytes * GIGABYTE - taken_by_own):
        with suppress(JobError):  # somebody goes on with it just now
            remove(job)
            logger.warning("%s", _removed(job, most_gigabytes))


def _removed(job: ListedJob, most_gigabytes: float) -> str:
    return (
        f"Unfinished videos took more than {most_gigabytes:g} GB: the oldest, {job.folder}, is removed ({job.frames} "
        f"frames, {job.size_bytes / GIGABYTE:.1f} GB, {job.age_seconds / DAY_SECONDS:.1f} days old)."
    )
