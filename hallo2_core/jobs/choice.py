"""Chooses the job for a video: a finished one, an unfinished one to resume, or a new one."""

from __future__ import annotations

import glob
from pathlib import Path

from ..storage.free_path import free_path
from .disk_errors import disk_errors
from .job import Job
from .journal import Journal, newest_journal
from .key import JobKey, different_values

HOW_TO_LIST = "the node 'Jobs (Hallo2)' or 'hallo2 jobs'"


def choose_job(folder: Path, key: JobKey) -> Job:
    """The job of this key in `folder`, or in a numbered sibling (name-2, name-3, …).

    A finished video is found by its request alone, under any arithmetic. An unfinished one is resumed only under the
    same arithmetic; otherwise it is kept, and a new job is created beside it. The job's note says which. Raises
    JobError if a job cannot be read.
    """
    with disk_errors(folder):
        return _chosen(folder, key)


def _chosen(folder: Path, key: JobKey) -> Job:
    found = _same_request(folder, key)
    for place, journal in found.items():
        if journal.published(place) is not None:
            return Job(place, key, _found_again(place, journal, key))
    for place, journal in found.items():
        if not journal.segments or journal.key.arithmetic == key.arithmetic:
            return Job(place, key)
    if not found:
        return Job(folder, key)
    new = free_path(folder)
    return Job(new, key, " ".join(_kept_beside(place, journal, key, new) for place, journal in found.items()))


def _same_request(folder: Path, key: JobKey) -> dict[Path, Journal]:
    """Jobs of the same request, the one in `folder` itself first."""
    if not folder.parent.is_dir():
        return {}
    numbered = folder.parent.glob(f"{glob.escape(folder.stem)}-*{glob.escape(folder.suffix)}")
    journals = {place: newest_journal(place) for place in (folder, *sorted(numbered))}
    return {
        place: journal
        for place, journal in journals.items()
        if journal is not None and journal.key.request == key.request
    }


def _found_again(place: Path, journal: Journal, key: JobKey) -> str:
    changed = different_values(journal.key.arithmetic, key.arithmetic)
    if not changed:
        return ""
    return (
        f"This video was already finished, from the same inputs but computed differently ({'; '.join(changed)}), "
        f"and is used as it is. To render it again, remove its job, {place.name}: {HOW_TO_LIST}."
    )


def _kept_beside(place: Path, journal: Journal, key: JobKey, new: Path) -> str:
    changed = different_values(journal.key.arithmetic, key.arithmetic)
    return (
        f"{journal.frames} frames of this video are finished, from the same inputs but computed differently "
        f"({'; '.join(changed)}). New clips would not match them, so the video starts over, in the job "
        f"{new.name}. The old job is kept: {place}. To resume it, undo the change and run again with the same inputs; "
        f"to remove it, use {HOW_TO_LIST}."
    )
