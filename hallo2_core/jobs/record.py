"""The record of a finished job, for its video: readable settings, and fingerprints of everything that went in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .key import JobKey


def record_of(key: JobKey, settings: Mapping[str, Any]) -> dict[str, Any]:
    """settings: values that JSON can hold. Two videos with an equal fingerprint had the same model, portrait, …"""
    return {
        "made": key.what,
        "settings": dict(settings),
        "fingerprints": dict(key.request),
        "arithmetic": dict(key.arithmetic),
    }
