"""A video's name by its bytes, whatever its file is called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from .reader import VideoSource

BLOCK_BYTES = 1 << 22


def source_fingerprint(source: VideoSource) -> str:
    """Its size and a hash of its bytes."""
    digest, size = hashlib.sha256(), 0
    for block in _blocks(source):
        digest.update(block)
        size += len(block)
    return f"{size} {digest.hexdigest()}"


def _blocks(source: VideoSource) -> Iterator[bytes]:
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            yield from iter(lambda: file.read(BLOCK_BYTES), b"")
    else:
        source.seek(0)
        yield from iter(lambda: source.read(BLOCK_BYTES), b"")
