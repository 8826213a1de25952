"""Names in a list that comes from elsewhere, such as a workflow, and the folders or addresses that they may reach."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from ..errors import SettingsError
from .remote import is_remote, opened

CHAIN = "::"  # with which fsspec reaches from one storage into another


def inside(root: str, name: str) -> str:
    """A name relative to `root`, or a whole path or address below it. root: a folder, or an address such as
    s3://bucket/talks. Links in a folder are followed.

    Errors: SettingsError for what leads out of it.
    """
    if is_remote(root):
        root = root.rstrip("/")
        place = name if is_remote(name) else f"{root}/{name}"
        is_inside = place.startswith(f"{root}/") and ".." not in PurePosixPath(place).parts and CHAIN not in place
    else:
        place = os.path.normpath(Path(root) / name)
        is_inside = not is_remote(name) and place != os.path.normpath(root) and Path(place).is_relative_to(root)
    if not name or not is_inside:
        raise SettingsError(f"'{name}' is not in {root}. Put the file there, and give its name or path below it.")
    return place


def fetched(place: str, folder: Path) -> Path:
    """A finished video as a local file: itself, or a copy of what an address names, in folders of the same names."""
    if not is_remote(place):
        return Path(place)
    storage, remote = opened(place)
    local = folder.joinpath(*PurePosixPath(remote.lstrip("/")).parts)
    local.parent.mkdir(parents=True, exist_ok=True)
    storage.get_file(remote, str(local))
    return local
