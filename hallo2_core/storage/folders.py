"""Folders that may not exist yet: the disk that they will be on, and whether files can be written there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def existing_part(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.isdir(place))


def writing_problem(folder: Path) -> str:
    """Why no file can be written to the folder; empty if nothing speaks against it. Creates nothing that remains."""
    if folder.exists() and not folder.is_dir():
        return "it is not a folder"
    try:
        with tempfile.TemporaryFile(dir=existing_part(folder)):
            return ""
    except OSError as error:
        return error.strerror or str(error)
