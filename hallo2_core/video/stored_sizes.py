"""The stored size of a file's frames: not rotated upright, in pixels of any shape."""

from __future__ import annotations

from pathlib import Path

import av

from .source import VideoFile


def stored_sizes(file: VideoFile) -> set[tuple[int, int]]:
    """(width, height) of each video stream, covers included. Empty if it cannot be opened: `probe` gives the reason."""
    if not isinstance(file, str | Path):
        file.seek(0)
    try:
        path = str(Path(file).absolute()) if isinstance(file, str | Path) else file
        with av.open(path, metadata_errors="replace") as container:
            return {(stream.width, stream.height) for stream in container.streams.video}
    except (av.FFmpegError, OSError):
        return set()
