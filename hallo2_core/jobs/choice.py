"""Which job a video is made in: one that is finished, one to go on with, or a new one."""

from __future__ import annotations

import glob
from pathlib import Path

from ..storage.free_path import free_path
from .job import Job
from .journal import Journal, newest_journal
from .key import JobKey, different_values

HOW_TO_LIST = "the node 'Jobs (Hallo2)' or 'hallo2 jobs'"


def choose_job(folder: Path, key: JobKey) -> Job:
    """The job of this key in `folder`, or in a folder numbered beside it (name-2, name-3, …).

    A finished video is found by what was asked for, whatever made it. An unfinished one is only gone on with under the
    same arithmetic; otherwise it stays as it is, and a new job is made beside it. The job's note says which.
    """
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
    """Jobs of the same request: the one in the folder itself first."""
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
        f"This video was finished before, from the same inputs, with another arithmetic ({'; '.join(changed)}), and is "
        f"used as it is. To have it made anew, remove its job, {place.name}: {HOW_TO_LIST}."
    )


def _kept_beside(place: Path, journal: Journal, key: JobKey, new: Path) -> str:
    changed = different_values(journal.key.arithmetic, key.arithmetic)
    return (
        f"{journal.frames} frames of this video are finished, made from the same inputs, but with another arithmetic "
        f"({'; '.join(changed)}). Their clips would not match new ones, so the video begins anew, in the job "
        f"{new.name}. The old job is kept: {place}. To go on with that one, undo the change and run the same again; to "
        f"remove it, use {HOW_TO_LIST}."
    )
