"""A second thread that finishes clips while the next one is denoised."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from ..runtime import Runtime, RuntimeWrapper


class BackgroundFinisher:
    """A context manager. One clip is in its hands at a time, and no other waits.

    `runtime`, for the first thread, is the given one; where a clip could not be finished it stops the first thread as
    cancel does. Left for whatever reason, it still finishes the clip in hand: that one is lost to nobody. Of two
    failures the first is raised.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = FinisherRuntime(runtime)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-finisher")

    def take(self, finish: Callable[..., None], *arguments: object) -> None:
        """Waits for the clip in hand, and raises what went wrong with it."""
        self.runtime.wait()
        self.runtime.finishing = self._thread.submit(finish, *arguments)

    def __enter__(self) -> BackgroundFinisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failed_first = error is None or self.runtime.is_finished
        self._thread.shutdown()
        if failed_first:
            self.runtime.wait()


class FinisherRuntime(RuntimeWrapper):
    """The first thread's runtime."""

    finishing: Future[None] | None = None

    @property
    def is_finished(self) -> bool:
        return self.finishing is not None and self.finishing.done()

    def wait(self) -> None:
        if self.finishing is not None:
            self.finishing.result()

    def check_cancelled(self) -> None:
        super().check_cancelled()
        if self.is_finished:
            self.wait()
