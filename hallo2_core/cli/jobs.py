"""List unfinished jobs (with --finished, all); remove some with --clean, but never a running one.

Without --clean nothing changes: names, --older-than and --over then show what would be removed. A finished video made
by the command line stays when its job is removed; it is just no longer found by its inputs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .output import say, tell

if TYPE_CHECKING:
    from ..jobs.listing import ListedJob

DAY_SECONDS = 86_400
GIGABYTE = 10**9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="job names, as listed")
    parser.add_argument("--jobs", type=Path, default=Path(), metavar="DIR", help="folder of the videos (default: .)")
    parser.add_argument("--finished", action="store_true", help="list and select finished jobs too")
    parser.add_argument("--clean", action="store_true", help="remove the selected jobs (by name, age or total size)")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="select jobs untouched for this long")
    parser.add_argument("--over", type=float, metavar="GB", help="select the oldest until the rest takes at most this")
    parser.add_argument("--json", action="store_true", help="print the jobs as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from ..jobs.listing import all_jobs, choose, remove, unfinished_jobs
    from ..jobs.report import job_line, readable_size

    is_choice = bool(arguments.names) or arguments.older_than is not None or arguments.over is not None
    if arguments.clean and not is_choice:
        raise SettingsError("Nothing to clean is selected. Give job names, --older-than DAYS, or --over GB.")
    for option, value in (("--older-than", arguments.older_than), ("--over", arguments.over)):
        if value is not None and not value >= 0:
            raise SettingsError(f"{option} is {value:g}; choose 0 or more.")
    jobs = all_jobs(arguments.jobs) if arguments.finished else unfinished_jobs(arguments.jobs)
    _check_names(arguments, jobs)
    if is_choice:
        older_than = None if arguments.older_than is None else arguments.older_than * DAY_SECONDS
        most = None if arguments.over is None else arguments.over * GIGABYTE
        jobs = choose(jobs, arguments.names, older_than, most)
    for job in jobs:
        if not arguments.json:
            say(job_line(job))
        if arguments.clean:
            remove(job)
    if arguments.json:
        print(json.dumps({"jobs": [_as_json(job) for job in jobs], "removed": arguments.clean}))
    size = sum(job.size_bytes for job in jobs)
    tell(f"{len(jobs)} {_done(arguments, is_choice)}, {readable_size(size)}, in {arguments.jobs.resolve()}")
    return 0


def _as_json(job: ListedJob) -> dict[str, str | int | float | None]:
    return {
        "name": job.name,
        "folder": str(job.folder),
        "state": job.state,
        "frames": job.frames,
        "frames_in_all": job.frames_in_all or None,
        "size_bytes": job.size_bytes,
        "age_seconds": round(job.age_seconds),
        "video": None if job.video is None else str(job.video),
    }


def _done(arguments: argparse.Namespace, is_choice: bool) -> str:
    if is_choice:
        return "removed" if arguments.clean else "would be removed"
    return "finished and unfinished" if arguments.finished else "unfinished"


def _check_names(arguments: argparse.Namespace, jobs: list[ListedJob]) -> None:
    found = {job.name: job for job in jobs}
    kind, flag = ("", " --finished") if arguments.finished else ("unfinished ", "")
    for name in arguments.names:
        if name not in found:
            raise SettingsError(f"There is no {kind}job '{name}' in {arguments.jobs}. 'hallo2 jobs{flag}' lists them.")
        if found[name].is_running:
            raise SettingsError(f"'{name}' is running now. Stop that run first.")
