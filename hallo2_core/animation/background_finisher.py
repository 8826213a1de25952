"""A second thread that finishes clips while the next one is denoised."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType

from ..memory_retry import first_line, shortage_error
from ..runtime import Runtime, RuntimeWrapper
from .memory import SHORTAGE_ADVICE


class BackgroundFinisher:
    """A context manager that finishes one clip at a time, without a queue.

    `runtime`, for the first thread, wraps the given one; if a clip cannot be finished, it stops the first thread as
    cancellation does. On exit, for any reason, the current clip is still finished, so it is not lost. Of two failures
    the first is raised. A clip that ran out of memory is finished by the first thread, while no other network runs.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = FinisherRuntime(runtime)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-finisher")

    def take(self, finish: Callable[..., None], *arguments: object) -> None:
        """Wait for the previous clip and raise its error, if any; then start this one."""
        self.runtime.settle()
        self.runtime.begin(self._thread, partial(finish, *arguments))

    def __enter__(self) -> BackgroundFinisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        failed_first = error is None or self.runtime.has_failed
        self._thread.shutdown()
        if failed_first or self.runtime.shortage is not None:
            self.runtime.settle()


class FinisherRuntime(RuntimeWrapper):
    """The first thread's runtime."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.shortage: str | None = None  # why the current clip has to be finished again
        self._finish: Callable[[], None] | None = None
        self._finishing: Future[None] | None = None

    @property
    def has_failed(self) -> bool:
        return self._finishing is not None and self._finishing.done() and self._finishing.exception() is not None

    def begin(self, thread: ThreadPoolExecutor, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._finishing = thread.submit(self._attempt, finish)

    def settle(self) -> None:
        """Wait for the current clip and raise its error, if any."""
        self._wait()
        if self.shortage is not None:
            self.free_memory()

    def check_cancelled(self) -> None:
        super().check_cancelled()
        if self.has_failed:
            self._wait()

    def free_memory(self) -> None:
        """Free memory once the second thread is idle. A clip that it could not finish for lack of memory is finished
        here."""
        self._wait()
        super().free_memory()
        if self.shortage is not None:
            self.shortage = None
            self._attempt(self._finish)
            if self.shortage is not None:
                raise shortage_error(self.shortage, SHORTAGE_ADVICE)

    def _wait(self) -> None:
        if self._finishing is not None:
            self._finishing.result()

    def _attempt(self, finish: Callable[[], None]) -> None:
        """Out of memory is stored as text: the exception would keep the tensors of the failed call alive."""
        try:
            finish()
        except Exception as error:
            if not self.is_out_of_memory(error):
                raise
            self.shortage = first_line(error)
