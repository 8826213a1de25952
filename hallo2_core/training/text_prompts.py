"""The prompts of a performance: what its face is asked to show, as a timeline, encoded as for a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..models.text_encoder import TextTransformer, pieces_of
from ..timeline.moments import Moment
from ..timeline.prompts import TextPrompts, TextWindow
from ..timeline.spans import Span
from ..timeline.transitions import Transition
from .cartoons import EXPRESSIONS, FPS
from .cartoons.direction import TRANSITION_SECONDS

TRANSITION = Transition(TRANSITION_SECONDS)


@dataclass(frozen=True)
class MoodTimeline:
    """The moods of a performance, in order."""

    starts: tuple[int, ...]  # frames, the first is 0
    moods: tuple[int, ...]  # indices of EXPRESSIONS

    @staticmethod
    def of(asked: Tensor) -> MoodTimeline:
        """asked: (f), the index of the expression that is asked for."""
        moods = asked.tolist()
        starts = tuple(i for i, mood in enumerate(moods) if i == 0 or mood != moods[i - 1])
        return MoodTimeline(starts, tuple(moods[start] for start in starts))

    @property
    def changes(self) -> tuple[int, ...]:
        return self.starts[1:]

    def prompts(self, phrase: Callable[[str], str], encoder: TextTransformer) -> TextPrompts:
        """phrase: a mood's name → a prompt for it.

        A face changes within half a second from the moment it is asked, a prompt half before and half after its border:
        borders lie a quarter of a second later, so that both changes are one.
        """
        half = Fraction(str(TRANSITION_SECONDS)) / 2
        borders = [Fraction(0), *(Fraction(start, FPS) + half for start in self.changes)]
        texts = [phrase(EXPRESSIONS[mood]) for mood in self.moods]
        spans = tuple(
            Span(Moment(start), end, text)
            for start, end, text in zip(borders, [*map(Moment, borders[1:]), None], texts, strict=True)
        )
        with torch.no_grad():
            rows = [encoder([pieces_of(text, encoder.config.buckets)])[0] for text in texts]
        return TextPrompts(spans, TRANSITION, torch.stack(rows).float().cpu(), encoder="training")


def window_of(prompts: TextPrompts, first: int, frames: int) -> TextWindow:
    window = prompts.window(first, frames, Fraction(FPS))
    assert window is not None, "a performance has a mood at every frame"
    return window
