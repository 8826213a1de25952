"""Options that take a file, or the name of something that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

DEMO = "demo"  # the model that ships with the pack, and what belongs to it


def file_or(*names: str) -> Callable[[str], Path | str]:
    """A type for argparse: one of the names stays text, anything else is a path."""

    def file(text: str) -> Path | str:
        return text if text in names else Path(text)

    return file
