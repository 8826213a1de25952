"""Makes the items of a stream in a second thread, while the caller works on earlier ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(items: Generator[Item, None, None], most_waiting: Callable[[Item], int]) -> Generator[Item, None, None]:
    """Yield the same items in the same order. An error of `items` is raised in the place of the item.

    most_waiting: how many items may wait, 1 or more, judged by one of them.
    Close it to end early: it waits for the item in the making, drops those that wait, and closes `items`.
    """
    end = object()
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-reader")
    waiting: deque[Future] = deque([thread.submit(next, items, end)])
    try:
        while (item := waiting.popleft().result()) is not end:
            while len(waiting) < most_waiting(item):
                waiting.append(thread.submit(next, items, end))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
        items.close()
