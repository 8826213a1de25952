"""A short name for everything that decides a job's frames: equal inputs, equal name, on every run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor


def fingerprint(*parts: object) -> str:
    """A hash over numbers, text, tensors, and dataclasses and containers of these. Names of fields count too; a field
    that does not count when its class is compared does not count here."""
    digest = hashlib.sha256()
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()[:32]


def _update(digest: hashlib._Hash, part: object) -> None:
    """Kinds and counts stand in lines of their own, or 1 and 23 would be 12 and 3. No text looks like such a line: it
    comes in quotation marks."""
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
