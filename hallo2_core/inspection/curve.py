"""A value over a video of any length, in a fixed number of columns."""

from __future__ import annotations

from dataclasses import dataclass

MOST_COLUMNS = 1024


@dataclass
class Column:
    least: float
    most: float
    total: float
    count: int

    @property
    def mean(self) -> float:
        return self.total / self.count

    def take_in(self, other: Column) -> None:
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.total, self.count = self.total + other.total, self.count + other.count


class Curve:
    """Minimum, mean and maximum of the frames of each column. When the columns are used up, pairs are merged."""

    def __init__(self, most_columns: int = MOST_COLUMNS) -> None:
        assert most_columns >= 2 and most_columns % 2 == 0
        self.frames_per_column = 1
        self.columns: list[Column | None] = []  # None: not measured
        self._most_columns = most_columns

    def add(self, frame: int, value: float) -> None:
        """Frames come in order; some may be missing."""
        while frame // self.frames_per_column >= self._most_columns:
            self._halve()
        index = frame // self.frames_per_column
        self.columns += [None] * (index + 1 - len(self.columns))
        self.columns[index] = _together(self.columns[index], Column(value, value, value, 1))

    def _halve(self) -> None:
        pairs = [*self.columns, None][: len(self.columns) + len(self.columns) % 2]
        self.columns = [_together(one, other) for one, other in zip(pairs[::2], pairs[1::2], strict=True)]
        self.frames_per_column *= 2


def _together(one: Column | None, other: Column | None) -> Column | None:
    if one is None or other is None:
        return one or other
    one.take_in(other)
    return one
