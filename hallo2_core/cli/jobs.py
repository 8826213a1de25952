"""List what is unfinished, and what it takes; with --clean take it away, but never what is being made.

Without --clean nothing is changed: names, --older-than and --over then show what would go. Finished videos are not
listed, and not touched.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from ..jobs.listing import UnfinishedJob

DAY_SECONDS = 86_400
GIGABYTE = 10**9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders of jobs, as they are listed")
    parser.add_argument("--jobs", type=Path, default=Path(), metavar="DIR", help="where the videos are (here)")
    parser.add_argument("--clean", action="store_true", help="take away those named, too old, or too large together")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="not gone on with for so long")
    parser.add_argument("--over", type=float, metavar="GB", help="the oldest, until all others take no more than this")


def run(arguments: argparse.Namespace) -> int:
    from ..jobs.listing import choose, remove, unfinished_jobs

    is_choice = bool(arguments.names) or arguments.older_than is not None or arguments.over is not None
    if arguments.clean and not is_choice:
        raise SettingsError("Say what to clean: names of jobs, --older-than DAYS, or --over GB.")
    jobs = unfinished_jobs(arguments.jobs)
    _check_names(arguments.names, jobs, arguments.jobs)
    if is_choice:
        older_than = None if arguments.older_than is None else arguments.older_than * DAY_SECONDS
        most = None if arguments.over is None else arguments.over * GIGABYTE
        jobs = choose(jobs, arguments.names, older_than, most)
    for job in jobs:
        print(_line(job))
        if arguments.clean:
            remove(job)
    size = sum(job.size_bytes for job in jobs)
    done = "taken away" if arguments.clean else "would go" if is_choice else "unfinished"
    sys.stderr.write(f"{len(jobs)} {done}, {_readable_size(size)}, in {arguments.jobs.resolve()}\n")
    return 0


def _check_names(names: list[str], jobs: list[UnfinishedJob], folder: Path) -> None:
    found = {job.folder.name: job for job in jobs}
    for name in names:
        if name not in found:
            raise SettingsError(f"There is no unfinished job '{name}' in {folder}. 'hallo2 jobs' lists them.")
        if found[name].is_running:
            raise SettingsError(f"'{name}' is being made right now. Stop that run first.")


def _line(job: UnfinishedJob) -> str:
    state = "being made" if job.is_running else f"{job.age_seconds / DAY_SECONDS:.1f} days old"
    return f"{job.folder.name}  {job.frames} frames  {_readable_size(job.size_bytes)}  {state}"


def _readable_size(size_bytes: int) -> str:
    return f"{size_bytes / GIGABYTE:.1f} GB" if size_bytes >= GIGABYTE else f"{size_bytes / 10**6:.1f} MB"
