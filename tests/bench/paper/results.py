"""All results of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from .kept import Result


@dataclass(frozen=True)
class Results:
    long: Mapping[str, Sequence[Result]]  # by variant: one for each actor
    prompts: Mapping[str, Result]  # by expression
    upscaler: Result
    attention: Result

    def values(self, variant: str, figure: str) -> list[float]:
        """Of the long videos, one for each actor."""
        return [result.figures[figure] for result in self.long[variant]]

    def over_time(self, variant: str) -> list[float]:
        """The distance in each window, mean over the actors."""
        return [fmean(window) for window in zip(*self.values(variant, "distances"), strict=True)]

    @property
    def all(self) -> list[Result]:
        long = [result for of_variant in self.long.values() for result in of_variant]
        return [*long, *self.prompts.values(), self.upscaler, self.attention]
