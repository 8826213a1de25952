"""What else a video has beside pictures and sound: title and other tags, chapters, subtitles."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from .metadata import RECORD_TAG, FileMetadata

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger("hallo2")

# Tags about the file itself, and those that describe how the source was made: its record is part of the new one.
OWN_TAGS = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "duration",
    RECORD_TAG, "prompt", "workflow",
}  # fmt: skip


def with_description_of(
    source: InputContainer, metadata: FileMetadata, origin: Fraction, length: Fraction | None
) -> FileMetadata:
    """metadata, and the tags and chapters of `source`. Subtitles are left out, which the log says.

    origin, length: the part of `source`, in seconds.
    """
    if source.streams.subtitles:
        logger.warning("The video's subtitles are not copied. Add them to the finished file.")
    tags = {key: text for key, text in source.metadata.items() if key.lower() not in OWN_TAGS}
    return replace(metadata, tags=tags | dict(metadata.tags), chapters=_chapters(source, origin, length))


def _chapters(source: InputContainer, origin: Fraction, length: Fraction | None) -> list[dict[str, Any]]:
    """In PyAV's form, with times from `origin` on."""
    if not hasattr(source, "chapters"):
        logger.info("PyAV %s cannot read chapters: if the video has some, they are not copied.", av.__version__)
        return []
    kept = []
    for chapter in source.chapters():
        start, end = (chapter[edge] * chapter["time_base"] - origin for edge in ("start", "end"))
        start, end = max(start, Fraction(0)), end if length is None else min(end, length)
        if start < end:
            ticks = {edge: round(time / chapter["time_base"]) for edge, time in (("start", start), ("end", end))}
            kept.append({**chapter, **ticks})
    return kept
