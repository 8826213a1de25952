"""Job descriptions, for the terminal and the node."""

from __future__ import annotations

from collections.abc import Sequence

from .listing import ListedJob

DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3600, 60
GIGABYTE, MEGABYTE = 10**9, 10**6


def report(jobs: Sequence[ListedJob]) -> list[str]:
    """One line per job, and the total size."""
    size = sum(max(job.size_bytes, job.video_bytes) for job in jobs)
    count = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    return [*map(job_line, jobs), f"{count}, {readable_size(size)}"]


def job_line(job: ListedJob) -> str:
    """One job: name, description, progress, size, age, and the path of its video."""
    size = readable_size(max(job.size_bytes, job.video_bytes))
    parts = [job.name, job.what, _frames(job), size, job.state, _age(job)]
    if job.video is not None:
        parts.append(str(job.video))
    return "  ".join(filter(None, parts))


def readable_size(size_bytes: int) -> str:
    return f"{size_bytes / GIGABYTE:.1f} GB" if size_bytes >= GIGABYTE else f"{size_bytes / MEGABYTE:.1f} MB"


def _frames(job: ListedJob) -> str:
    if job.video is not None:
        return f"{job.frames} frames" if job.frames else ""
    return f"{job.frames} of {job.frames_in_all} frames" if job.frames_in_all else f"{job.frames} frames"


def _age(job: ListedJob) -> str:
    if job.is_running:
        return ""
    if job.age_seconds < HOUR_SECONDS:
        return f"{job.age_seconds / MINUTE_SECONDS:.0f} minutes old"
    if job.age_seconds < DAY_SECONDS:
        return f"{job.age_seconds / HOUR_SECONDS:.1f} hours old"
    return f"{job.age_seconds / DAY_SECONDS:.1f} days old"
