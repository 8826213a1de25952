"""What an actor is asked to show: moods one after another, and a gesture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import SettingsError
from .gestures import GESTURE_SECONDS, GESTURES, Gesture
from .tracks import EXPRESSIONS

TRANSITION_SECONDS = 0.5
CHANGES = 0.35  # how many performances change their mood on the way
LONG_ENOUGH_SECONDS = 3.0  # to change the mood in


@dataclass(frozen=True)
class Mood:
    """An expression, held until the next mood begins."""

    start_seconds: float
    expression: str

    def __post_init__(self) -> None:
        if self.expression not in EXPRESSIONS:
            raise SettingsError(f"The expression is {self.expression!r}; expected one of {', '.join(EXPRESSIONS)}.")


@dataclass(frozen=True)
class Direction:
    moods: tuple[Mood, ...]
    gesture: Gesture = "none"
    gesture_start_seconds: float = 0.0
    strength: float = 1.0  # of the expression, 0..1

    def __post_init__(self) -> None:
        if not self.moods or self.moods[0].start_seconds != 0:
            raise SettingsError("The first mood begins at 0 s, for example Mood(0.0, 'happy').")
        if self.gesture not in GESTURES:
            raise SettingsError(f"The gesture is {self.gesture!r}; expected one of {', '.join(GESTURES)}.")

    @staticmethod
    def drawn(rng: np.random.Generator, seconds: float) -> Direction:
        first = EXPRESSIONS[rng.integers(len(EXPRESSIONS))]
        moods = [Mood(0.0, first)]
        change, second = rng.random(), EXPRESSIONS[rng.integers(len(EXPRESSIONS))]
        at = seconds * rng.uniform(0.35, 0.65)
        if seconds >= LONG_ENOUGH_SECONDS and change < CHANGES and second != first:
            moods.append(Mood(at, second))
        gesture = GESTURES[rng.integers(len(GESTURES))] if rng.random() < 0.6 else "none"
        room = max(seconds - GESTURE_SECONDS.get(gesture, 0.0), 0.0)
        return Direction(tuple(moods), gesture, room * rng.random(), rng.uniform(0.75, 1.0))

    def expression_at(self, seconds: float) -> str:
        """The expression asked for at this time."""
        return next(mood for mood in reversed(self.moods) if mood.start_seconds <= seconds).expression

    def asked(self, frames: int, fps: float) -> Tensor:
        """(f) uint8: the index in EXPRESSIONS of the expression asked for."""
        names = [self.expression_at((frame + 0.5) / fps) for frame in range(frames)]
        return torch.tensor([EXPRESSIONS.index(name) for name in names], dtype=torch.uint8)

    def weights(self, frames: int, fps: float) -> Tensor:
        """(f 5): weights of EXPRESSIONS, which sum to 1. A change takes half a second from the moment it is asked."""
        seconds = (torch.arange(frames) + 0.5) / fps
        weights = self._asked(self.moods[0].expression).repeat(frames, 1)
        for mood in self.moods[1:]:
            share = ((seconds - mood.start_seconds) / TRANSITION_SECONDS).clamp(0, 1)
            share = (share * share * (3 - 2 * share)).unsqueeze(1)
            weights = weights + (self._asked(mood.expression) - weights) * share
        return weights

    def _asked(self, expression: str) -> Tensor:
        one = torch.eye(len(EXPRESSIONS))
        return (1 - self.strength) * one[0] + self.strength * one[EXPRESSIONS.index(expression)]
