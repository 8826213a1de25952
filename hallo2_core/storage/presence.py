"""Whether a file is there, or the disk does not answer."""

from __future__ import annotations

import os
from pathlib import Path


def is_there(path: Path) -> bool:
    """As `Path.exists`, which from Python 3.14 on also says "no" when the disk fails. This raises OSError then: a file
    taken for missing would be made again, or overwritten."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have that name
        return False
    return True
