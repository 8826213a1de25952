"""What became of the videos, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from .cache import SKIPPED_FILE
from .prepare_videos import Prepared
from .prepared_video import FPS
from .shard_series import VideoReport


def summary_lines(prepared: Sequence[Prepared]) -> Iterator[str]:
    for one in prepared:
        clips, frames = (sum(getattr(report, name) for report in one.reports) for name in ("clips", "frames"))
        without = sum(not report.clips for report in one.reports)
        length = timedelta(seconds=round(frames / FPS))
        videos = _counted(len(one.reports), "video")
        yield f"{one.dataset.cache_directory}: {videos}, {_counted(clips, 'clip')} ({length})"
        captioned = sum(bool(video.caption) for video in one.videos)
        if captioned < len(one.videos):
            yield f"  without a caption: {_counted(len(one.videos) - captioned, 'video')}"
        if rows := _rows(one.reports):
            listed = one.dataset.cache / SKIPPED_FILE
            yield f"  {'skipped':<40}{'videos':>8}{'parts':>8}{'seconds':>10}"
            yield from rows
            yield f"  {_counted(without, 'video')} without a clip; each skipped part is listed in {listed}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _rows(reports: Sequence[VideoReport]) -> list[str]:
    """By reason, the most frequent first."""
    parts: dict[str, list[tuple[str, float]]] = {}
    for report in reports:
        for skipped in report.skipped:
            seconds = 0.0 if skipped.end_seconds is None else skipped.end_seconds - skipped.start_seconds
            parts.setdefault(skipped.reason, []).append((report.name, seconds))
    rows = []
    for reason, some in sorted(parts.items(), key=lambda item: -len(item[1])):
        videos, seconds = len({name for name, _ in some}), sum(seconds for _, seconds in some)
        known = f"{seconds:.1f}" if seconds else "-"
        rows.append(f"  {reason:<40}{videos:>8}{len(some):>8}{known:>10}")
    return rows
