"""Where the jobs of the nodes lie."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...hallo2_core.jobs.job import Job
from ...hallo2_core.jobs.limit import keep_within
from ...hallo2_core.jobs.listing import NODE_FOLDER


def job_for(key: str, unfinished_gb: float = 0) -> Job:
    """Where a render's finished clips, and then its video, lie: never in the host's temp folder, which it empties.

    unfinished_gb: what all unfinished ones may take together; the oldest make room. 0: they stay.
    """
    jobs = Path(folder_paths.get_output_directory()) / NODE_FOLDER
    keep_within(jobs, unfinished_gb, jobs / key)
    return Job(jobs / key, key)
