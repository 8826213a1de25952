"""User actions on named jobs: remove them, or move or hard-link their finished videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import JobError, SettingsError
from .listing import ListedJob, is_own_video, remove
from .placing import link_video, move_video

REMOVE, MOVE, LINK = ACTIONS = ("remove", "move", "hard link")


def act_on(jobs: Sequence[ListedJob], action: str, names: Sequence[str], folder: Path | None = None) -> list[str]:
    """Apply the action to each named job and return one sentence per job. folder: where videos are moved or linked to.
    A job that is missing, running or cannot be moved is reported, and the others are still processed."""
    if action not in ACTIONS:
        raise SettingsError(f"The action is '{action}'; choose one of {', '.join(ACTIONS)}.")
    if not names:
        raise SettingsError(f"No job to {action} is named. Enter names as shown in the list.")
    found = {job.name: job for job in jobs}
    said = []
    for name in dict.fromkeys(names):
        if name not in found:
            said.append(f"{name}: no such job (it may have been removed).")
            continue
        try:
            said.append(f"{name}: {_done(found[name], action, folder)}")
        except JobError as error:
            said.append(f"{name}: {error}")
    return said


def _done(job: ListedJob, action: str, folder: Path | None) -> str:
    if action == REMOVE:
        stays = job.video is not None and not is_own_video(job.folder, job.video)
        remove(job)
        return f"removed. Its video stays: {job.video}" if stays else "removed."
    assert folder is not None, action
    if action == MOVE:
        return f"the video is now {move_video(job, folder)}"
    return f"the video is also {link_video(job, folder)}"
