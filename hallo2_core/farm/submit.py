"""Runs `hallo2 farm` in a process of its own, for programs such as ComfyUI: Ray ends the process that is connected to a
cluster when the cluster is lost, and its workers have to find this package under its own name."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from ..errors import JobError, MissingDependencyError
from .events import Event
from .orders import Order, as_line

ROOT = Path(__file__).parents[2]  # where this package can be imported
LOOK_SECONDS = 0.5
CANCEL_SECONDS = 60.0  # for workers to let go of their jobs


def followed(orders: Sequence[Order], address: str = "auto") -> Iterator[Mapping[int, Event]]:
    """Makes the videos, and yields what is known of each, by its line, twice a second and once more at the end.

    address: of a running Ray; "auto" is what RAY_ADDRESS names, or the cluster of this machine.
    Close the iterator to cancel: it returns once the workers have stopped. Finished clips stay.
    Errors: MissingDependencyError; JobError, with what the farm said, if it could not go on.
    """
    if find_spec("ray") is None:
        raise MissingDependencyError.of_extra("A Ray cluster", "ray", "farm", ImportError("No module named 'ray'"))
    with tempfile.TemporaryDirectory(prefix="hallo2-farm-list-") as folder:
        jobs, errors = Path(folder) / "jobs.jsonl", Path(folder) / "errors.txt"
        jobs.write_text("".join(f"{as_line(order)}\n" for order in orders), encoding="utf-8")
        lines = [order.line for order in orders]
        latest = {line: Event(line) for line in lines}
        with errors.open("w+", encoding="utf-8", errors="replace") as said, _Farm(jobs, address, said) as farm:
            for events in farm.news():
                own = [replace(event, line=lines[event.line - 1]) for event in events]
                latest |= {event.line: event for event in own}
                yield dict(latest)
            if not all(event.has_ended for event in latest.values()):
                said.seek(0)
                reason = (said.read().strip().splitlines() or ["it said nothing"])[-1].removeprefix("hallo2: ")
                raise JobError(f"The farm stopped: {reason} Finished clips are kept: run again to continue.")


class _Farm:
    """The process. It is cancelled at the end of the context, if it has not ended."""

    def __init__(self, jobs: Path, address: str, said: IO[str]) -> None:
        command = [sys.executable, "-m", "hallo2_core", "farm", str(jobs), "--address", address, "--events"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, encoding="utf-8"
        )
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=self._read, name="hallo2-farm", daemon=True).start()

    def __enter__(self) -> _Farm:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(CANCEL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def news(self) -> Iterator[list[Event]]:
        """What happened since the last look, until the process has ended."""
        while True:
            found: list[Event] = []
            try:
                while (line := self._lines.get(timeout=0.0 if found else LOOK_SECONDS)) is not None:
                    found.append(Event(**json.loads(line)))
            except Empty:
                yield found
                continue
            yield found
            return

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
