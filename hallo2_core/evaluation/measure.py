"""What the measures of one video have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor


class Measure(Protocol):
    """Takes the frames of one video in order; holds a fixed number of them."""

    def add(self, frame: Tensor, reference: Tensor | None) -> Mapping[str, float]:
        """frame, reference: (h w 3) uint8.  Returns the values of this frame, for curves; may be empty."""

    def figures(self) -> Mapping[str, float]:
        """Of the whole video, by name. A figure that could not be measured is absent."""


class MeanOfFrames:
    """A figure that is the mean of its values over the frames that have one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._total, self._frames = 0.0, 0

    def add(self, value: float) -> Mapping[str, float]:
        """Returns the value under the figure's name, for a curve."""
        self._total, self._frames = self._total + value, self._frames + 1
        return {self._name: value}

    def figures(self) -> Mapping[str, float]:
        return {self._name: self._total / self._frames} if self._frames else {}
