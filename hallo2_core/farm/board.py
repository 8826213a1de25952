"""What is known of the orders under way: one actor on the cluster, which workers write to and the screen reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .worker import Progress


@dataclass(frozen=True)
class Seen:
    """The latest of one order."""

    attempts: int = 0  # 2 or more: a worker was lost
    node: str = ""
    progress: Progress = field(default_factory=lambda: Progress("waiting"))  # of the first of the parts under way
    parts: Mapping[str, Progress] = field(default_factory=dict)  # under way at the same time


class Board:
    """By line of the jobs file."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}

    def begin(self, line: int, node: str) -> None:
        loading = Progress("loading")
        self._seen[line] = Seen(self._of(line).attempts + 1, node, loading, {loading.part: loading})

    def note(self, line: int, progress: Progress) -> None:
        seen = self._of(line)
        parts = {**seen.parts, progress.part: progress}
        under_way = {part: latest for part, latest in parts.items() if latest is progress or 0 < latest.left}
        self._seen[line] = replace(seen, progress=next(iter(under_way.values())), parts=under_way)

    def seen(self) -> dict[int, Seen]:
        return self._seen

    def _of(self, line: int) -> Seen:
        return self._seen.get(line, Seen())
