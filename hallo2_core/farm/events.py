"""What a program that started the farm learns: a line of JSON whenever something about a video changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from ..errors import Cancelled
from .board import Seen
from .cluster import DONE, FAILED, REFUSED, Outcome
from .orders import Order


@dataclass(frozen=True)
class Event:
    """The latest about one video.

    line: of the jobs file. state: the part of the work under way, or how it ended: "done", "refused" or "failed". done
    and total: steps of that part. out: where the finished video is, which may have another name than was asked for.
    """

    line: int
    state: str = "waiting"
    done: int = 0
    total: int = 0
    machine: str = ""
    attempts: int = 0
    message: str = ""
    out: str = ""
    frames: int = 0

    @property
    def has_ended(self) -> bool:
        return self.state in (DONE, REFUSED, FAILED)


class Events:
    """Takes the place of the screen. The farm is cancelled when `control` ends: then the program that started it is
    gone, or wants it to stop."""

    def __init__(self, orders: Sequence[Order], output: TextIO, control: TextIO) -> None:
        self._orders, self._output = orders, output
        self._told: dict[int, Event] = {}
        self._is_cancelled = threading.Event()
        threading.Thread(target=self._await_end, args=(control,), name="hallo2-control", daemon=True).start()

    def show(self, seen: Mapping[int, Seen], outcomes: Sequence[Outcome]) -> None:
        if self._is_cancelled.is_set():
            raise Cancelled
        ended = {outcome.line: outcome for outcome in outcomes}
        for order in self._orders:
            event = _event(order.line, seen.get(order.line, Seen()), ended.get(order.line))
            if self._told.get(order.line) != event:
                self._told[order.line] = event
                self._output.write(json.dumps(asdict(event)) + "\n")
        self._output.flush()

    def _await_end(self, control: TextIO) -> None:
        while control.read(1):
            pass
        self._is_cancelled.set()


def _event(line: int, seen: Seen, outcome: Outcome | None) -> Event:
    if outcome is not None:
        made = outcome.video
        return Event(
            line,
            outcome.state,
            machine=outcome.node,
            attempts=outcome.attempts,
            message=outcome.message or made.get("note", ""),
            out=made.get("out", ""),
            frames=made.get("frames", 0),
        )
    progress = seen.progress
    return Event(line, progress.part, progress.done, progress.total, seen.node, seen.attempts, progress.note)
