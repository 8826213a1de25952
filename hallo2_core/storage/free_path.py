"""File names that are not in use yet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from .presence import is_there


def numbered_names(path: Path) -> Iterator[Path]:
    """name, name-2, name-3, …"""
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def free_path(path: Path | str) -> Path:
    """The first of the numbered names that does not exist yet. Raises OSError if the disk fails."""
    return next(candidate for candidate in numbered_names(Path(path)) if not is_there(candidate))
