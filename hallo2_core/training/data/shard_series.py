"""The shards of one video in the cache, and the report that completes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from torch import Tensor

from ...storage.durable import replace_file
from ...storage.json_text import parse_json
from ..records import COUNT, SHARD_ENDING, shard_metadata, write_shard
from .frame_rate import Position
from .skipped import Skipped
from .source_videos import SourceVideo

SHARD_BYTES = 32 << 20  # a shard is closed above this: it bounds memory, and what a stop loses
REPORT_ENDING = ".json"
STAMP, NEXT, FRAMES, SKIPPED = "stamp", "next", "frames", "skipped"


@dataclass(frozen=True)
class VideoReport:
    """What became of a video. With it in the cache, the video is complete."""

    name: str
    stamp: str
    clips: int
    frames: int
    skipped: tuple[Skipped, ...]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> VideoReport | None:
        """None if it is damaged: the video is prepared again."""
        try:
            values = parse_json(text)
            report = cls(**{**values, "skipped": tuple(Skipped(**entry) for entry in values["skipped"])})
        except (ValueError, TypeError, KeyError):
            return None
        are_numbers = all(type(number) is int for number in (report.clips, report.frames))
        return report if are_numbers and all(map(_is_stretch, report.skipped)) else None


def finished_report(cache: Path, video: SourceVideo) -> VideoReport | None:
    """None if the video is not complete, or has changed since."""
    path = cache / f"{video.key}{REPORT_ENDING}"
    if not path.is_file():
        return None
    report = VideoReport.from_json(path.read_bytes())
    return report if report is not None and report.stamp == video.stamp() else None


def _is_stretch(skipped: Skipped) -> bool:
    return isinstance(skipped.start_seconds, int | float) and isinstance(skipped.end_seconds, int | float | None)


class ShardSeries:
    """Continues after the last shard of a stopped run; shards of an older version of the video are removed."""

    def __init__(self, cache: Path, video: SourceVideo) -> None:
        self._cache, self._video, self._stamp = cache, video, video.stamp()
        self._records: list[Mapping[str, Tensor]] = []
        self._skipped: list[Skipped] = []  # since the last shard
        self._all_skipped: list[Skipped] = []
        self._clips = self._frames = self._shard_frames = self._bytes = 0
        self._number = 0
        self.position = Position()  # after the last clip
        (cache / f"{video.key}{REPORT_ENDING}").unlink(missing_ok=True)
        for number in count():
            path = self._path(number)
            metadata = shard_metadata(path) if path.is_file() else {}
            if metadata.get(STAMP) != self._stamp:
                break
            self._number = number + 1
            self._clips += int(metadata[COUNT])
            self._frames += int(metadata[FRAMES])
            self._all_skipped += [Skipped(**entry) for entry in json.loads(metadata[SKIPPED])]
            self.position = Position(*json.loads(metadata[NEXT]))
        for path in shards_of(cache, video.key):
            if path not in map(self._path, range(self._number)):
                path.unlink()

    def add(self, record: Mapping[str, Tensor], frames: int, position: Position) -> None:
        """position: where reading continues after this clip."""
        self._records.append(record)
        self._bytes += sum(tensor.nbytes for tensor in record.values())
        self._shard_frames += frames
        self.position = position
        if self._bytes >= SHARD_BYTES:
            self._write()

    def skip(self, skipped: Skipped) -> None:
        self._skipped.append(skipped)

    def finish(self) -> VideoReport:
        if self._records:
            self._write()
        skipped = (*self._all_skipped, *self._skipped)
        report = VideoReport(self._video.name, self._stamp, self._clips, self._frames, skipped)
        replace_file(self._cache / f"{self._video.key}{REPORT_ENDING}", report.to_json())
        return report

    def _write(self) -> None:
        metadata = {
            STAMP: self._stamp,
            NEXT: json.dumps([self.position.frame, self.position.source_frame]),
            FRAMES: str(self._shard_frames),
            SKIPPED: json.dumps([asdict(entry) for entry in self._skipped], ensure_ascii=False),
        }
        write_shard(self._records, self._path(self._number), metadata)
        self._number += 1
        self._clips += len(self._records)
        self._frames += self._shard_frames
        self._all_skipped += self._skipped
        self._records, self._skipped, self._shard_frames, self._bytes = [], [], 0, 0

    def _path(self, number: int) -> Path:
        return self._cache / f"{self._video.key}.{number:05d}{SHARD_ENDING}"


def shards_of(cache: Path, key: str) -> list[Path]:
    """key: of a video."""
    return sorted(path for path in cache.glob(f"*{SHARD_ENDING}") if path.name.rsplit(".", 2)[0] == key)
