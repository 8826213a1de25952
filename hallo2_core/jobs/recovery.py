"""Chooses the journal to resume from, whatever stopped the machine."""

from __future__ import annotations

import logging
from pathlib import Path

from ..errors import JobError
from ..storage.presence import is_there
from .folder import keep_orphans
from .journal import NAME, PREVIOUS, Journal, read_journal, replace_journal
from .key import JobKey, different_parts, different_values

logger = logging.getLogger("hallo2")


def trusted_journal(folder: Path, key: JobKey) -> Journal:
    """The newest journal that is intact, with all its files. Without one the job starts over, with a warning.

    Finding only the previous journal is not damage: the power failed between two renames. Raises JobError if the folder
    holds work of another request, or unfinished work under another arithmetic, and OSError if the disk fails: files
    that cannot be read at the moment are not damaged.
    """
    damaged: dict[str, None] = {}  # in the order they were found
    for name in (NAME, PREVIOUS):
        if not is_there(folder / name):
            continue
        journal = read_journal(folder / name)
        if journal is not None and not _goes_on(folder, journal, key):
            continue
        damage = name if journal is None else journal.first_damaged(folder)
        if damage is not None:
            damaged[damage] = None
            continue
        if damaged:
            logger.warning("%s in %s is damaged: the last clip is rendered again.", next(iter(damaged)), folder)
        if name == PREVIOUS:
            replace_journal(folder, journal)  # or the damaged one would replace it
        return journal
    if damaged:
        logger.warning("Missing or damaged in %s: %s. The job starts over.", folder, ", ".join(damaged))
        for orphan in keep_orphans(folder):
            logger.warning("The clips finished before can still be watched: %s", orphan)
    return Journal(key)


def _goes_on(folder: Path, journal: Journal, key: JobKey) -> bool:
    """Whether the job can resume from the journal. Raises JobError if not, and finished work would be lost."""
    video = journal.published(folder)
    if journal.key.request == key.request:
        if video is not None or not journal.segments or journal.key.arithmetic == key.arithmetic:
            return True
        raise JobError(
            f"{folder} holds {journal.frames} finished frames of this video, computed differently "
            f"({'; '.join(different_values(journal.key.arithmetic, key.arithmetic))}). New clips would not match. "
            f"Undo the change to resume, or start over under another name."
        )
    if video is None and not journal.segments:
        return False
    held = f"the video {video}" if video is not None else f"{journal.frames} finished frames of a video"
    raise JobError(
        f"{folder} holds {held}, {_how_other(journal, key)}. Resume it with its own inputs and settings, "
        f"or start over under another name."
    )


def _how_other(journal: Journal, key: JobKey) -> str:
    if journal.is_old:
        return "made by version 0.1.0, whose jobs cannot be compared with those of this version"
    different = ", ".join(different_parts(journal.key.request, key.request))
    return f"made from other inputs or with other settings ({different})"
