"""Retry work that ran out of device memory once, after freeing as much as possible."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from .errors import MemoryShortageError
from .runtime import Runtime


class Attempt:
    """A context manager around the work. Running out of memory ends it without an exception, which would keep the
    tensors of the failed call alive."""

    def __init__(self, runtime: Runtime, is_retry: bool) -> None:
        """is_retry: whether the work should take less memory than usual."""
        self.is_retry = is_retry
        self.shortage: str | None = None  # in the device's own words
        self._runtime = runtime

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or not self._runtime.is_out_of_memory(error):
            return False
        self.shortage = first_line(error)
        return True


def attempts(runtime: Runtime, advice: str) -> Iterator[Attempt]:
    """One attempt, and a second one if the first ran out of memory:

        for attempt in attempts(runtime, advice):
            with attempt:
                result = work()

    Networks may have left the device before the second attempt, so the work calls `ready` itself. Raises
    MemoryShortageError with `advice` if that one fails too.
    """
    first = Attempt(runtime, is_retry=False)
    yield first
    if first.shortage is None:
        return
    runtime.notify(
        f"Out of memory ({first.shortage}): trying again with everything else moved off the device, which is slower."
    )
    runtime.free_memory()
    second = Attempt(runtime, is_retry=True)
    yield second
    if second.shortage is not None:
        raise shortage_error(second.shortage, advice)


def shortage_error(found: str, advice: str) -> MemoryShortageError:
    """found: the device's own words."""
    return MemoryShortageError(
        f"The device ran out of memory even with everything else moved off it ({found}). {advice} What is finished is "
        f"kept: with more memory, the same run continues from there."
    )


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
