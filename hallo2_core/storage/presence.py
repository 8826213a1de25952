"""Whether a file is there, or the disk does not answer.

`Path.exists` says "no" in the second case too, from Python 3.14 on always. These raise OSError then: a file taken for
missing would be made again, or overwritten.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def is_there(path: Path | str) -> bool:
    """As `Path.exists`."""
    return _mode(path) is not None


def is_file(path: Path | str) -> bool:
    """As `Path.is_file`."""
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def _mode(path: Path | str) -> int | None:
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        return None
