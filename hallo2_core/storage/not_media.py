"""What a file is that was given as a picture, a sound or a video and is none, by its first bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NOT_MEDIA = {
    b"version https://git-lfs": "is a git-lfs pointer, not the file itself. Run 'git lfs pull' there.",
    b"<": "is a web page: the download failed. Save the file itself.",
}


def what_it_is(path: Path, begins: Mapping[bytes, str] = NOT_MEDIA) -> str:
    """What the file is, and what to do, to follow its name; empty if the first bytes do not tell. begins: compared in
    order, in lower case."""
    if not os.path.isfile(path):
        return ""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "is empty. Choose another file."
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((what for first_bytes, what in begins.items() if start.startswith(first_bytes)), "")
