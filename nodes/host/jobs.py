"""Paths of the nodes' jobs and videos."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import folder_paths

from ...hallo2_core.errors import SettingsError
from ...hallo2_core.jobs.choice import choose_job
from ...hallo2_core.jobs.job import Job
from ...hallo2_core.jobs.key import JobKey
from ...hallo2_core.jobs.limit import keep_within
from ...hallo2_core.jobs.listing import NODE_FOLDER, VIDEO_FOLDER, ListedJob, all_jobs
from ...hallo2_core.storage.free_path import free_path


def job_for(key: JobKey, unfinished_gb: float = 0) -> Job:
    """The job of a render. Its clips are not in the host's temp folder, which the host empties.

    unfinished_gb: what all unfinished ones may take together; the oldest make room. 0: they stay.
    """
    job = choose_job(jobs_folder() / key.name, key)
    keep_within(jobs_folder(), unfinished_gb, job.folder)
    return job


def jobs_folder() -> Path:
    return Path(folder_paths.get_output_directory()) / NODE_FOLDER


def listed_jobs() -> list[ListedJob]:
    """Of the nodes, the oldest first."""
    return all_jobs(jobs_folder()) if jobs_folder().is_dir() else []


def new_video(kind: str) -> Path:
    """A name for a finished video, in output/hallo2: what it is, and when it was begun."""
    videos = Path(folder_paths.get_output_directory()) / VIDEO_FOLDER
    return free_path(videos / f"{kind}_{datetime.now():%Y-%m-%d_%H-%M}.mp4")


def path_in_output(name: str) -> Path:
    """A path inside the host's output folder. Raises SettingsError for a path outside."""
    output = Path(folder_paths.get_output_directory()).resolve()
    path = (output / name).resolve()
    if not name or not path.is_relative_to(output):
        raise SettingsError(
            f"'{name}' is not below ComfyUI's output folder. Choose a folder in it, for example 'talks'."
        )
    return path
