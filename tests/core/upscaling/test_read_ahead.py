import threading

import pytest

from hallo2_core.upscaling.read_ahead import read_ahead


class Source:
    """Numbers, one by one; notes what was made, by which thread, and whether it was closed."""

    def __init__(self, count, fails_at=None):
        self.count, self.fails_at = count, fails_at
        self.made, self.threads, self.is_closed = [], set(), False
        self.changed = threading.Condition()

    def items(self):
        try:
            for number in range(self.count):
                if number == self.fails_at:
                    raise ValueError(f"number {number}")
                with self.changed:
                    self.made.append(number)
                    self.threads.add(threading.current_thread())
                    self.changed.notify_all()
                yield number
        finally:
            self.is_closed = True

    def wait_until_made(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.made) >= count, timeout=60)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("most", [1, 3, 20])
def test_the_same_items_come_in_the_same_order(count, most):
    source = Source(count)
    assert list(read_ahead(source.items(), lambda _: most)) == list(range(count))
    assert source.is_closed and threading.current_thread() not in source.threads


def test_items_are_made_while_the_caller_works_and_no_more_than_may_wait():
    source = Source(20)
    stream = read_ahead(source.items(), lambda item: 3 if item < 10 else 1)
    assert next(stream) == 0
    source.wait_until_made(4)  # without another call
    assert [next(stream) for _ in range(10)][-1] == 10
    source.wait_until_made(13)  # those that were ordered before
    assert next(stream) == 11 and len(source.made) == 13
    stream.close()


def test_an_error_comes_where_its_item_would():
    source = Source(9, fails_at=4)
    stream = read_ahead(source.items(), lambda _: 3)
    assert [next(stream) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="number 4"):
        next(stream)
    assert source.is_closed


def test_closing_it_early_closes_the_source_and_ends_the_thread():
    source = Source(100)
    stream = read_ahead(source.items(), lambda _: 5)
    next(stream)
    stream.close()
    assert source.is_closed and len(source.made) <= 6
    assert not any(thread.is_alive() for thread in source.threads)
