"""The latest of a farm in words and as a share, for a program that follows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .cluster import DONE
from .events import Event
from .orders import Order

TENTHS = 10


def progress_lines(orders: Sequence[Order], latest: Mapping[int, Event]) -> Iterator[str]:
    """How many videos have ended, then those under way. The same text until a tenth more of one is done."""
    ended = sum(event.has_ended for event in latest.values())
    yield f"{ended} of {len(orders)} videos have ended"
    for order in orders:
        event = latest[order.line]
        if event.attempts and not event.has_ended:
            done = f" {TENTHS * (TENTHS * event.done // event.total)} %" if event.total else ""
            again = f", attempt {event.attempts}" if event.attempts > 1 else ""
            yield f"{name_of(order)}: {event.state}{done} on {event.machine}{again}"


def share_done(orders: Sequence[Order], latest: Mapping[int, Event]) -> float:
    """In videos: 1.5 is one and a half."""
    return sum(1.0 if latest[order.line].has_ended else _share(order, latest[order.line]) for order in orders)


def unfinished(orders: Sequence[Order], latest: Mapping[int, Event]) -> list[str]:
    """The videos that were not made, with the reason."""
    events = [(order, latest[order.line]) for order in orders]
    return [f"{name_of(order)} ({event.message.rstrip('.')})" for order, event in events if event.state != DONE]


def results(orders: Sequence[Order], latest: Mapping[int, Event]) -> Iterator[str]:
    """A line per finished video, with what its sections and helpers say."""
    for order in orders:
        event = latest[order.line]
        attempts = "1 attempt" if event.attempts == 1 else f"{event.attempts} attempts"
        note = f" ({event.message})" if event.message else ""
        yield f"{name_of(order)}: {event.frames} frames, made on {event.machine} in {attempts}: {event.out}{note}"


def name_of(order: Order) -> str:
    return order.out.replace("\\", "/").rpartition("/")[2]


def _share(order: Order, event: Event) -> float:
    """Where a video is also upscaled, each of the two parts is half of it."""
    parts = ["animate"] if order.upscale is None else ["animate", "upscale"]
    before = parts.index(event.state) if event.state in parts else 0
    return (before + (event.done / event.total if event.total else 0.0)) / len(parts)
