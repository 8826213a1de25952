"""Spreads the pieces of a video over helpers while the video is made, and over the maker itself afterwards."""

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
from ..upscaling.pieces import Piece
from ..upscaling.settings import UpscaleSettings
from .worker import Progress, Report

logger = logging.getLogger("hallo2")

LOOK_SECONDS = 0.5
UPSCALE_PART = "upscale"


class Helper(Protocol):
    """An `Enlarger` elsewhere."""

    def arithmetic(self) -> Future[Mapping[str, str]]:
        """Done once it has a machine and its networks are loaded."""

    def enlarge(self, piece: Piece) -> Future[None]: ...

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


class Crew:
    """A context manager: helpers start with the first piece whose frames are finished, and stop at its end."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        frames: int,
        settings: UpscaleSettings,
        helpers: Helpers,
        arithmetic: Mapping[str, str],
        finished_frames: Callable[[], int],
        report: Report,
    ) -> None:
        """pieces: to be done, in order. frames: of the whole video. arithmetic: of this machine; helpers with another
        one are not used. finished_frames: how many frames helpers can see by now."""
        self.helped_pieces = self.lost_helpers = 0
        self._frames, self._settings, self._helpers = frames, settings, helpers
        self._arithmetic, self._finished_frames, self._report = arithmetic, finished_frames, report
        self._pieces, self._waiting = len(pieces), deque(pieces)
        self._left = sum(piece.stop - piece.start for piece in self._waiting)
        self._starting: dict[Future, Helper] = {}
        self._working: dict[Future, tuple[Helper, Piece]] = {}
        self._idle: list[Helper] = []
        self._hired: list[Helper] = []  # and not stopped
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hallo2-crew", daemon=True)

    def finish(self, enlarge: Callable[[Piece], None]) -> None:
        """Once all frames are finished: work along until every piece is done. enlarge: in this process."""
        while self._thread.is_alive():
            piece = self._take()
            if piece is None:
                self._thread.join(LOOK_SECONDS)
                continue
            enlarge(piece)
            self._count(piece)
        if self._failure is not None:
            raise self._failure

    def figures(self) -> dict[str, Any]:
        """How many pieces there were, and who did them; also in words, as a note."""
        lost = f"; {self.lost_helpers} were lost" if self.lost_helpers else ""
        return {
            "pieces": self._pieces,
            "pieces_by_upscalers": self.helped_pieces,
            "lost_upscalers": self.lost_helpers,
            "note": f"upscalers made {self.helped_pieces} of {self._pieces} pieces{lost}" if self._pieces else "",
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
        finished = self._finished_frames()
        while self._next_is_ready(finished):
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
                self._working[helper.enlarge(piece)] = helper, piece

    def _next_is_ready(self, finished: int) -> bool:
        with self._lock:
            return bool(self._waiting) and self._waiting[0].source(self._settings, self._frames).stop <= finished

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
        logger.warning("A process that helps to upscale is no longer used (%s).", why)
        self.lost_helpers += 1
        self._hired.remove(helper)
        helper.stop()

    def _count(self, piece: Piece) -> None:
        with self._lock:
            self._left -= piece.stop - piece.start
            done = self._frames - self._left
        self._report(Progress(UPSCALE_PART, done, self._frames))
