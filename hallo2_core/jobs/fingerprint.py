"""A short hash of everything that determines a job's frames: equal inputs give an equal hash, on every run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor


def fingerprint(*parts: object) -> str:
    """A hash over numbers, text, tensors, and dataclasses and containers of these. Field names count too; fields with
    `compare=False` do not."""
    digest = hashlib.sha256()
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()[:32]


def _update(digest: hashlib._Hash, part: object) -> None:
    """Types and counts are hashed as separate lines, so that 1, 23 differs from 12, 3. Text is quoted and cannot be
    mistaken for such a line."""
    if isinstance(part, Tensor):
        _line(digest, f"{part.dtype} {list(part.shape)}")
        digest.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    elif dataclasses.is_dataclass(part):
        _line(digest, type(part).__name__)
        for field in dataclasses.fields(part):
            if field.compare:
                _update(digest, field.name)
                _update(digest, getattr(part, field.name))
    elif isinstance(part, Mapping):
        _line(digest, f"{len(part)} entries")
        for key in sorted(part):
            _update(digest, key)
            _update(digest, part[key])
    elif isinstance(part, list | tuple):
        _line(digest, f"{len(part)} items")
        for item in part:
            _update(digest, item)
    elif isinstance(part, Fraction):
        _line(digest, f"fraction {part}")
    else:
        _line(digest, json.dumps(part))


def _line(digest: hashlib._Hash, text: str) -> None:
    digest.update(f"{text}\n".encode())
