"""With what, and when, figures were measured."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hallo2_core.storage.file_hash import sha256_of

DIGITS = 12


def today() -> str:
    """2026-11-26."""
    return datetime.date.today().isoformat()


def fingerprints(files: Iterable[Path]) -> dict[str, str]:
    """File name → the first digits of its SHA-256."""
    return {file.name: _fingerprint(file) for file in files}


@cache
def _fingerprint(file: Path) -> str:
    return sha256_of(file)[:DIGITS]
