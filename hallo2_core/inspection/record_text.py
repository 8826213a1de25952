"""A video's record as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..video.metadata import Record

PARTS = ("settings", "fingerprints", "arithmetic")


def record_text(record: Record | None) -> str:
    """What `read_record` returned, one line per group of settings; then the video that it was made from."""
    if record is None:
        return "The file does not say how it was made."
    lines = [f"Made by Hallo2 {record.get('version', '')}: {record.get('made', 'the settings were left out')}."]
    if mark := record.get("digital_source_type"):
        lines.append(f"Marked as AI-generated: {mark}")
    for part in PARTS:
        values = record.get(part)
        lines += [f"  {name}: {_words(value)}" for name, value in values.items()] if isinstance(values, Mapping) else []
    if isinstance(source := record.get("source"), dict):
        lines += ["From a video:", *(f"  {line}" for line in record_text(source).splitlines())]
    return "\n".join(lines)


def _words(value: Any) -> str:  # noqa: ANN401 - any value of JSON
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items())
    return str(value)
