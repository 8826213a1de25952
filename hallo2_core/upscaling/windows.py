"""Cuts a stream into overlapping windows on a fixed grid, and cross-fades their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class WindowGrid:
    """Windows begin at multiples of `step`, wherever a stream begins, so a stream that is resumed in the middle has the
    same windows as the whole."""

    length: int
    overlap: int

    @property
    def step(self) -> int:
        return self.length - self.overlap

    def first_start(self, frame: int) -> int:
        """The start of the first window that contains `frame`."""
        return max(-(-(frame - self.length + 1) // self.step), 0) * self.step

    def fade(self, frame: int, start: int) -> float:
        """Weight in `frame` of the window that begins at `start`, against the previous one: above 0, up to 1."""
        if start == 0 or frame - start >= self.overlap:
            return 1.0
        return (frame - start + 1) / (self.overlap + 1)


@dataclass(frozen=True)
class Window(Generic[Item]):
    start: int
    items: tuple[Item, ...]
    is_last: bool

    @property
    def end(self) -> int:
        """One past the last frame."""
        return self.start + len(self.items)


def cut_windows(items: Iterable[Item], grid: WindowGrid, start: int = 0) -> Iterator[Window[Item]]:
    """Yield the windows of a stream whose first item has the number `start`, the start of a window.

    Holds one window plus one item. The last window may be shorter; it always has an item that no other window has.
    """
    stream = iter(items)
    held: list[Item] = []
    following = next(stream, None)
    while following is not None:
        held.append(following)
        following = next(stream, None)
        if len(held) == grid.length or following is None:
            yield Window(start, tuple(held), is_last=following is None)
            held = held[grid.step :]
            start += grid.step
