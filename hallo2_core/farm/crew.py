"""Spreads the pieces of a video over helpers, and over the process that makes the video."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from ..jobs.key import different_values
from .worker import Progress, Report

logger = logging.getLogger("hallo2")

LOOK_SECONDS = 0.5


class Piece(Protocol):
    """Part of a video."""

    @property
    def frames(self) -> int: ...


class Worker(Protocol):
    """Does pieces of one kind."""

    def arithmetic(self) -> Mapping[str, str]:
        """Of its machine, where it may change the last bit."""

    def do(self, piece: Piece) -> None:
        """Returns once the result is in the shared folder. What is there already is not made again."""


class Helper(Protocol):
    """A `Worker` in another process."""

    def arithmetic(self) -> Future[Mapping[str, str]]:
        """Done once it has a machine."""

    def do(self, piece: Piece) -> Future[None]: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Helpers:
    """How to get them. lost: the errors of a helper that died, or that cannot reach its files; its piece is done again.

    most: at once. losses: after so many, no more are started.
    """

    start: Callable[[], Helper]
    lost: tuple[type[Exception], ...]
    most: int
    losses: int


def no_helpers(make: Callable[[], Worker]) -> Helpers:
    """For a process that works alone."""
    return Helpers(start=lambda: None, lost=(), most=0, losses=0)


class Crew:
    """A context manager: helpers start with the first piece whose frames are finished, and stop at its end."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        frames: int,
        helpers: Helpers,
        arithmetic: Mapping[str, str],
        report: Report,
        part: str,
        is_ready: Callable[[Piece], bool] = lambda piece: True,
    ) -> None:
        """pieces: to be done, in order. frames: of the whole video. arithmetic: of this machine; helpers with another
        one are not used. part: of the order's work, for the screen. is_ready: whether helpers can begin a piece."""
        self.helped_pieces = self.lost_helpers = 0
        self._frames, self._helpers, self._arithmetic = frames, helpers, arithmetic
        self._report, self._part, self._is_ready = report, part, is_ready
        self._pieces, self._waiting = len(pieces), deque(pieces)
        self._left = sum(piece.frames for piece in self._waiting)
        self._starting: dict[Future, Helper] = {}
        self._working: dict[Future, tuple[Helper, Piece]] = {}
        self._idle: list[Helper] = []
        self._hired: list[Helper] = []  # and not stopped
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hallo2-crew", daemon=True)

    def finish(self, do: Callable[[Piece], None]) -> None:
        """Once every piece is ready: work along until all are done. do: in this process."""
        while self._thread.is_alive():
            piece = self._take()
            if piece is None:
                self._thread.join(LOOK_SECONDS)
                continue
            do(piece)
            self._count(piece)
        if self._failure is not None:
            raise self._failure

    def figures(self) -> dict[str, Any]:
        """How many pieces there were, and who did them; also in words, as a note."""
        lost = f"; {self.lost_helpers} were lost" if self.lost_helpers else ""
        return {
            "pieces": self._pieces,
            "by_helpers": self.helped_pieces,
            "lost_helpers": self.lost_helpers,
            "note": f"{self._part}: helpers did {self.helped_pieces} of {self._pieces} pieces{lost}"
            if self._pieces
            else "",
        }

    def __enter__(self) -> Crew:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._left and not self._ended.is_set():
                self._hand_out()
                pending = [*self._starting, *self._working]
                if pending:
                    done, _ = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        self._collect(future)
                else:
                    self._ended.wait(LOOK_SECONDS)
        except BaseException as error:
            self._failure = error
        finally:
            while self._hired:
                self._hired.pop().stop()

    def _hand_out(self) -> None:
        while self._next_is_ready():
            if not self._idle:
                busy = len(self._starting) + len(self._working)
                if busy < self._helpers.most and self.lost_helpers <= self._helpers.losses:
                    helper = self._helpers.start()
                    self._hired.append(helper)
                    self._starting[helper.arithmetic()] = helper
                    continue
                return
            if (piece := self._take()) is not None:
                helper = self._idle.pop()
                self._working[helper.do(piece)] = helper, piece

    def _next_is_ready(self) -> bool:
        with self._lock:
            following = self._waiting[0] if self._waiting else None
        return following is not None and self._is_ready(following)

    def _take(self) -> Piece | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _collect(self, future: Future) -> None:
        if future in self._starting:
            self._welcome(future, self._starting.pop(future))
            return
        helper, piece = self._working.pop(future)
        try:
            future.result()
        except self._helpers.lost as error:
            with self._lock:
                self._waiting.appendleft(piece)
            self._lose(helper, error)
            return
        self._idle.append(helper)
        self.helped_pieces += 1
        self._count(piece)

    def _welcome(self, future: Future, helper: Helper) -> None:
        try:
            different = different_values(self._arithmetic, future.result())
        except self._helpers.lost as error:
            self._lose(helper, error)
            return
        if different:
            self._lose(helper, f"its last bits may differ: {'; '.join(different)}")
        else:
            self._idle.append(helper)

    def _lose(self, helper: Helper, why: object) -> None:
        logger.warning("A helper is no longer used (%s).", why)
        self.lost_helpers += 1
        self._hired.remove(helper)
        helper.stop()

    def _count(self, piece: Piece) -> None:
        with self._lock:
            self._left -= piece.frames
            done = self._frames - self._left
        self._report(Progress(self._part, done, self._frames))
