"""Progress on one screen, and the table of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from ..shown_text import one_line
from .board import Seen
from .cluster import DONE, Outcome
from .orders import Order
from .worker import Progress

BAR_WIDTH = 24
TENTHS = 10


class Screen:
    """A table that redraws itself on a terminal; elsewhere a line for each start, tenth and end."""

    def __init__(self, orders: Sequence[Order], console: Console) -> None:
        self._orders, self._console = orders, console
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._told: dict[tuple[int, str], str] = {}

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, seen: Mapping[int, Seen], outcomes: Sequence[Outcome]) -> None:
        ended = {outcome.line: outcome for outcome in outcomes}
        if self._live is not None:
            self._live.update(self._table(seen, ended), refresh=True)
            return
        for order in self._orders:
            for part, line in _lines(order, seen.get(order.line, Seen()), ended.get(order.line)).items():
                if self._told.get((order.line, part)) != line:
                    self._told[order.line, part] = line
                    self._console.print(one_line(line), markup=False, highlight=False, soft_wrap=True)

    def _table(self, seen: Mapping[int, Seen], ended: Mapping[int, Outcome]) -> Table:
        """Orders under way; the rest as numbers."""
        table = Table(title=f"{len(ended)} of {len(self._orders)} videos have ended", title_justify="left")
        for column in ("video", "machine", "part", "progress", "attempt"):
            table.add_column(column)
        for order in self._orders:
            latest = seen.get(order.line)
            if latest is None or order.line in ended:
                continue
            video, node, attempts = escape(one_line(order.out)), latest.node, str(latest.attempts)
            for progress in _parts(latest):
                bar = ProgressBar(progress.total or 1, progress.done, BAR_WIDTH)
                table.add_row(video, node, progress.part, bar, attempts)
                video = node = attempts = ""  # once for all parts
        return table


def results_table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="Results", title_justify="left")
    for column in ("video", "result", "machine", "attempts", "seconds", "frames", "message"):
        table.add_column(column, overflow="fold")
    for outcome in outcomes:
        frames = str(outcome.video.get("frames", ""))
        result = outcome.state if outcome.state == DONE else f"[bold]{outcome.state}[/bold]"
        table.add_row(
            escape(one_line(str(outcome.video.get("out", outcome.out)))),
            result,
            outcome.node,
            str(outcome.attempts),
            f"{outcome.seconds:.1f}",
            frames,
            escape(one_line(outcome.message or outcome.video.get("note", ""))),
        )
    return table


def _parts(seen: Seen) -> Sequence[Progress]:
    return tuple(seen.parts.values()) or (seen.progress,)


def _lines(order: Order, seen: Seen, outcome: Outcome | None) -> dict[str, str]:
    """By part of the work, the same text until a tenth more is done."""
    if outcome is not None:
        return {outcome.state: f"{order.out}: {outcome.state}. {outcome.message}".rstrip(" .") + "."}
    again = f", attempt {seen.attempts}" if seen.attempts > 1 else ""
    node = f" on {seen.node}" if seen.node else ""
    return {progress.part: f"{order.out}: {progress.part}{_tenths(progress)}{node}{again}" for progress in _parts(seen)}


def _tenths(progress: Progress) -> str:
    return f" {100 * (TENTHS * progress.done // progress.total) // TENTHS} %" if progress.total else ""
