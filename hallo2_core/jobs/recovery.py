"""Which journal of a folder to go on from, after whatever stopped the machine."""

from __future__ import annotations

import logging
from pathlib import Path

from ..errors import JobError
from .folder import keep_orphans
from .journal import NAME, PREVIOUS, Journal, read_journal, replace_journal

logger = logging.getLogger("hallo2")


def trusted_journal(folder: Path, key: str) -> Journal:
    """The newest one that is whole and whose files are. Where there is none the work starts anew, and says so.

    No journal but the previous one is no damage: the power went between two renames. Raises JobError where the folder
    holds something of other work.
    """
    damaged: dict[str, None] = {}  # in the order they were found
    for name in (NAME, PREVIOUS):
        if not (folder / name).exists():
            continue
        journal = read_journal(folder / name)
        if journal is not None and journal.key != key:
            _refuse(folder, journal)
            continue
        damage = name if journal is None else journal.first_damaged(folder)
        if damage is not None:
            damaged[damage] = None
            continue
        if damaged:
            logger.warning("%s in %s is damaged: the last clip is made again.", next(iter(damaged)), folder)
        if name == PREVIOUS:
            replace_journal(folder, journal)  # or the damaged one would take its place
        return journal
    if damaged:
        logger.warning("Gone or damaged in %s: %s. The job starts anew.", folder, ", ".join(damaged))
        for orphan in keep_orphans(folder):
            logger.warning("What was finished before can still be watched: %s", orphan)
    return Journal(key)


def _refuse(folder: Path, journal: Journal) -> None:
    """Unless nothing is left of that work that could be lost."""
    video = journal.published(folder)
    if video is None and not journal.segments:
        return
    held = f"the video {video}" if video is not None else f"{journal.frames} finished frames of a video"
    raise JobError(
        f"{folder} holds {held}, made from other inputs, with other settings, or on another device. Go on with that "
        f"one by giving exactly what it was given, or start afresh under another name."
    )
