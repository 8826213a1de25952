"""File names that are not in use yet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path


def numbered_names(path: Path) -> Iterator[Path]:
    """name, name-2, name-3, …"""
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def free_path(path: Path | str) -> Path:
    """The first of the numbered names that does not exist yet."""
    return next(candidate for candidate in numbered_names(Path(path)) if not candidate.exists())
