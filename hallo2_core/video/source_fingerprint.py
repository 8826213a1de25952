"""Identifies a video by its bytes, independent of its file name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from .container import name_of, unreachable
from .source import TrimmedVideo, VideoFile, VideoSource, file_of

BLOCK_BYTES = 1 << 22


def source_fingerprint(source: VideoSource) -> str:
    """Its size, a hash of its bytes, and the selected part. Errors: VideoError if the disk fails."""
    digest, size = hashlib.sha256(), 0
    try:
        for block in _blocks(file_of(source)):
            digest.update(block)
            size += len(block)
    except OSError as error:
        raise unreachable(name_of(source), error) from error
    part = f" {source.start} {source.end}" if isinstance(source, TrimmedVideo) else ""
    return f"{size} {digest.hexdigest()}{part}"


def _blocks(video: VideoFile) -> Iterator[bytes]:
    if isinstance(video, str | Path):
        with open(video, "rb") as file:
            yield from iter(lambda: file.read(BLOCK_BYTES), b"")
    else:
        video.seek(0)
        yield from iter(lambda: video.read(BLOCK_BYTES), b"")
