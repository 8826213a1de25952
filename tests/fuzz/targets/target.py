"""A target: bytes from outside → a value, or a Hallo2Error. Anything else is a finding."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hallo2_core.errors import Hallo2Error

SECONDS_PER_INPUT = 10  # of the processor: most take less than a millisecond


@dataclass(frozen=True)
class Target:
    """read: what reads the bytes; may write to its folder, which is kept between inputs. seeds: valid inputs. pieces:
    parts of the format, from which inputs are put together."""

    name: str
    read: Callable[[bytes, Path], object]
    seeds: Callable[[], tuple[bytes, ...]]
    pieces: tuple[bytes, ...]


def outcome(target: Target, data: bytes, folder: Path) -> str:
    """ "value", or the name of the error that refused the input. Any other exception passes through, also
    `TimeoutError` for a hang."""
    with in_time():
        try:
            target.read(data, folder)
        except Hallo2Error as error:
            assert str(error).strip(), f"{type(error).__name__} without a message"
            return type(error).__name__
    return "value"


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """A loop without an end becomes a TimeoutError, where signals can interrupt one."""
    if not hasattr(signal, "SIGVTALRM"):
        yield
        return

    def end(*_arguments: object) -> None:
        raise TimeoutError(f"no end after {SECONDS_PER_INPUT} s")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_PER_INPUT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def text_of(data: bytes) -> str:
    """Any text that a widget or a JSON file can hold, half surrogate pairs included."""
    return data.decode("utf-8", "surrogateescape")
