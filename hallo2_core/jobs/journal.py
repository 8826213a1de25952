"""What is finished of a job. One small file, replaced in one step after each clip."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .durable import replace_file

NAME = "journal.json"
PREVIOUS = "journal.previous.json"  # one clip older: for the day when a disk returns garbage
FORMAT = 1


@dataclass(frozen=True)
class Segment:
    """A file of finished clips, of which so many bytes count; what lies beyond was in flight when the power went."""

    name: str
    size_bytes: int
    frames: int


@dataclass(frozen=True)
class Journal:
    """The ledger of one job. It grows by one entry a segment, that is every few hundred frames."""

    key: str  # of the work; a journal of other work is none of ours
    clips: int = 0
    segments: tuple[Segment, ...] = ()
    state: str | None = None  # the file of tensors that the next clip starts from
    published: str | None = None  # the finished file's name, once there is one
    published_bytes: int = 0

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.segments)

    def after_clip(self, segment: Segment, state: str) -> Journal:
        """`segment`: the one the clip went into, as it is now."""
        before = self.segments[:-1] if self.segments and self.segments[-1].name == segment.name else self.segments
        return replace(self, clips=self.clips + 1, segments=(*before, segment), state=state)


def read_journals(folder: Path) -> list[Journal]:
    """Those that can be read, the newest first. None at all means that nothing is known to be finished."""
    journals = (_read(folder / name) for name in (NAME, PREVIOUS))
    return [journal for journal in journals if journal is not None]


def write_journal(folder: Path, journal: Journal) -> None:
    """At every moment one of the two files is whole."""
    if (folder / NAME).exists():
        os.replace(folder / NAME, folder / PREVIOUS)
    replace_file(folder / NAME, json.dumps({"format": FORMAT, **asdict(journal)}, indent=1).encode())


def _read(path: Path) -> Journal | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("format") != FORMAT:
            return None
        return Journal(**{**raw, "segments": tuple(Segment(**segment) for segment in raw["segments"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
