"""The finished part of a job, as one small file that is replaced atomically after each clip."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ..storage.durable import rename, replace_file
from ..storage.json_text import parse_json
from ..storage.presence import is_file, is_there
from .key import JobKey

Value = TypeVar("Value")

NAME = "journal.json"
PREVIOUS = "journal.previous.json"  # one clip older, in case the disk returns garbage
FORMAT = 2
OLD_FORMAT = 1  # version 0.1.0: a single hash over inputs and arithmetic
OLD = "a video of version 0.1.0"
READ_BYTES = 1 << 20
# The only files a journal may name, whoever wrote it.
SEGMENT_NAME, STATE_NAME = re.compile(r"clips-[0-9]{4,}\.ts"), re.compile(r"state-[0-9]\.safetensors")
VIDEO_ENDING = ".mp4"


@dataclass(frozen=True)
class KeptFile:
    """A file of the job. Only the first `size_bytes` count; anything beyond is an interrupted write."""

    name: str
    size_bytes: int = 0
    crc: int = 0  # CRC-32 of these bytes
    frames: int = 0

    def followed_by(self, content: bytes, frames: int = 0) -> KeptFile:
        return KeptFile(self.name, self.size_bytes + len(content), zlib.crc32(content, self.crc), self.frames + frames)

    def is_whole(self, folder: Path) -> bool:
        """Whether the file still has the content that was written; reads all of it. Raises OSError if the disk fails:
        then the content may be intact."""
        left, crc = self.size_bytes, 0
        try:
            with (folder / self.name).open("rb") as file:
                while content := file.read(min(left, READ_BYTES)):
                    crc, left = zlib.crc32(content, crc), left - len(content)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        return not left and crc == self.crc


@dataclass(frozen=True)
class Journal:
    """The record of one job. It grows by one entry per segment, i.e. every few hundred frames."""

    key: JobKey  # a journal with another request belongs to another job
    clips: int = 0
    segments: tuple[KeptFile, ...] = ()  # empty once published
    state: KeptFile | None = None  # the tensors that the next clip starts from
    video: str | None = None  # path of the finished (or about to be named) file, relative to the job's folder
    video_bytes: int = 0

    @property
    def is_old(self) -> bool:
        """Written by version 0.1.0: its inputs are unknown, so it is never found again or resumed."""
        return not self.key.request

    @property
    def frames(self) -> int:
        """The number of frames in the stored clips; 0 once published."""
        return sum(segment.frames for segment in self.segments)

    def after_clip(self, segment: KeptFile, state: KeptFile) -> Journal:
        """segment: the one that now includes the clip."""
        before = self.segments[:-1] if self.segments and self.segments[-1].name == segment.name else self.segments
        return replace(self, clips=self.clips + 1, segments=(*before, segment), state=state)

    def published(self, folder: Path) -> Path | None:
        """The finished file, if it exists with the recorded size. Raises OSError if the disk fails."""
        if self.video is None:
            return None
        path = Path(os.path.normpath(folder / self.video))
        return path if is_file(path) and path.stat().st_size == self.video_bytes else None

    def first_damaged(self, folder: Path) -> str | None:
        """The name of the first file that is missing or differs from what was written, if any."""
        if self.published(folder) is not None:
            return None
        if not self.segments:
            return self.video
        files = (*self.segments, self.state) if self.state is not None else self.segments
        return next((file.name for file in files if not file.is_whole(folder)), None)


def read_journal(path: Path) -> Journal | None:
    """None if it is missing or damaged. Raises OSError if the disk fails."""
    try:
        return parse_journal(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def parse_journal(content: bytes) -> Journal | None:
    """The content of a journal's file. None if it is damaged."""
    try:
        return _journal(parse_json(content))
    except (ValueError, TypeError, KeyError):
        return None


def _journal(raw: Mapping[str, Any]) -> Journal:
    """A job's folder may come from another machine, so nothing in it is believed: files outside the folder, and counts
    that do not agree, are damage. Errors: ValueError, TypeError, KeyError."""
    written = raw["format"]
    if written not in (FORMAT, OLD_FORMAT):
        raise ValueError(f"format {written!r}")
    clips, state, video = _count(raw["clips"]), raw["state"], raw["video"]
    segments = tuple(_kept(segment, SEGMENT_NAME) for segment in _of(list, raw["segments"]))
    if bool(segments) != (state is not None) or bool(segments) > bool(clips) or (clips and not segments and not video):
        raise ValueError(f"{clips} clips in {len(segments)} files")
    if video is not None and not _of(str, video).lower().endswith(VIDEO_ENDING):
        raise ValueError(f"the video {video!r}")
    return Journal(
        JobKey({}, what=OLD) if written == OLD_FORMAT else _key(_of(dict, raw["key"])),
        clips,
        segments,
        None if state is None else _kept(state, STATE_NAME),
        video,
        _count(raw["video_bytes"]),
    )


def _key(raw: Mapping[str, Any]) -> JobKey:
    request, arithmetic = (_of(dict, raw[name]) for name in ("request", "arithmetic"))
    for text in (*request, *request.values(), *arithmetic, *arithmetic.values()):
        _of(str, text)
    return JobKey(request, arithmetic, _of(str, raw["what"]), _count(raw["frames"]))


def _kept(raw: object, names: re.Pattern[str]) -> KeptFile:
    raw = _of(dict, raw)
    if not names.fullmatch(_of(str, raw["name"])):
        raise ValueError(f"the file {raw['name']!r}")
    return KeptFile(raw["name"], *(_count(raw[number]) for number in ("size_bytes", "crc", "frames")))


def _count(value: object) -> int:
    if isinstance(value, bool) or _of(int, value) < 0:
        raise ValueError(f"the number {value!r}")
    return value


def _of(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def newest_journal(folder: Path) -> Journal | None:
    """The newest readable journal, whether or not its files still exist. None if the folder is not a job's.
    Raises OSError if the disk fails."""
    return read_journal(folder / NAME) or read_journal(folder / PREVIOUS)


def seen_from(folder: Path, path: Path) -> str:
    """A video's path as recorded in the journal: relative if possible, so that both can be moved together."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path.absolute())


def write_journal(folder: Path, journal: Journal) -> None:
    """At any moment at least one of the two files is complete."""
    if is_there(folder / NAME):
        rename(folder / NAME, folder / PREVIOUS)
    replace_journal(folder, journal)


def replace_journal(folder: Path, journal: Journal) -> None:
    """Write the journal without keeping the previous one."""
    replace_file(folder / NAME, json.dumps({"format": FORMAT, **asdict(journal)}, indent=1).encode())
