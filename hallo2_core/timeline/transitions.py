"""The weight of each span at each frame: 1 inside, 0 outside, in between during a transition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor

from ..errors import SettingsError
from .spans import Span

SHAPES = ("linear", "smooth")
LONGEST_SECONDS = 10


@dataclass(frozen=True)
class Transition:
    """What happens at a span's borders: half of the time before the border, half after. 0 seconds: a cut."""

    seconds: float = 0.5
    shape: Literal["linear", "smooth"] = "linear"

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= LONGEST_SECONDS:
            raise SettingsError(f"The transition takes {self.seconds} seconds; choose 0 to {LONGEST_SECONDS}.")
        if self.shape not in SHAPES:
            raise SettingsError(f"The transition's shape is '{self.shape}'; choose one of {', '.join(SHAPES)}.")

    @property
    def length(self) -> Fraction:
        """The seconds as written, not the nearest double."""
        return Fraction(str(self.seconds))

    def ramp(self, seconds: Fraction) -> Fraction:
        """0 before a border's transition, 1 after it. seconds: since the border."""
        if 2 * abs(seconds) >= self.length:
            return Fraction(seconds >= 0)
        done = seconds / self.length + Fraction(1, 2)
        return done if self.shape == "linear" else done * done * (3 - 2 * done)


def acting_spans(
    spans: Sequence[Span], transition: Transition, first_frame: int, frames: int, fps: Fraction
) -> dict[int, list[Fraction]]:
    """The spans that act on any of these frames: index → exact weight at each frame.

    Weights are in 0..1, and so is their sum at a frame. They depend on the frame's number only.
    """
    found = {}
    half = transition.length / 2
    times = [Fraction(first_frame + i) / fps for i in range(frames)]
    for index, span in enumerate(spans):
        start, end = span.seconds(fps)
        if not times or start - half > times[-1] or (end is not None and end + half < times[0]):
            continue
        weights = [_weight(time, start, end, transition) for time in times]
        if any(weights):
            found[index] = weights
    return found


def _weight(time: Fraction, start: Fraction, end: Fraction | None, transition: Transition) -> Fraction:
    """A span from the start of the video has no transition in, one to the end no transition out."""
    risen = transition.ramp(time - start) if start else Fraction(1)
    return risen if end is None else risen - transition.ramp(time - end)


def span_weights(spans: Sequence[Span], transition: Transition, first_frame: int, frames: int, fps: Fraction) -> Tensor:
    """(f s) float64: weight of each span at each frame, exactly 0 or 1 outside the transitions."""
    weights = torch.zeros(frames, len(spans), dtype=torch.float64)
    for index, column in acting_spans(spans, transition, first_frame, frames, fps).items():
        weights[:, index] = torch.tensor([float(weight) for weight in column], dtype=torch.float64)
    return weights


def any_frame_between(
    start: Fraction, stop: Fraction | None, frames: int, fps: Fraction, transition: Transition
) -> bool:
    """Whether any frame of the video lies between start and stop (None: the end)."""
    half = transition.length / 2
    first = _first_frame_from(start - half, fps, past=half > 0)
    last = frames - 1 if stop is None else min(math.ceil((stop + half) * fps) - 1, frames - 1)
    return max(first, 0) <= last


def _first_frame_from(seconds: Fraction, fps: Fraction, past: bool) -> int:
    """The first frame at or after a time."""
    return math.floor(seconds * fps) + 1 if past else math.ceil(seconds * fps)
