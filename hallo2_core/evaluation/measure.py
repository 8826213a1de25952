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
