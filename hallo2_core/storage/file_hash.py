"""The SHA-256 hash of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

BLOCK_BYTES = 1 << 22


def sha256_of(path: Path, between_blocks: Callable[[], None] = lambda: None) -> str:
    """between_blocks: called after every few MB; may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            between_blocks()
    return digest.hexdigest()
