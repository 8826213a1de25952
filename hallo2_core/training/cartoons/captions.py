"""A performance in words, as a user would ask for it; and the words of one expression, for prompts over time."""

from __future__ import annotations

import numpy as np

from .gestures import Gesture

MOODS = {
    "neutral": ("with a neutral face", "calmly", "with a calm expression", "matter-of-factly"),
    "happy": ("happily", "with a smile", "with a happy face", "cheerfully, smiling"),
    "sad": ("sadly", "with a sad face", "with sorrow", "looking unhappy"),
    "angry": ("angrily", "with an angry face", "furiously, frowning", "in anger"),
    "surprised": ("in surprise", "with a surprised face", "with raised eyebrows, amazed", "looking astonished"),
}
GESTURES = {
    "none": ("",),
    "nod": ("nods", "nods the head", "says yes with a nod"),
    "shake": ("shakes the head", "says no with a shake of the head", "turns the head from side to side"),
    "tilt": ("tilts the head", "leans the head to one side", "tilts the head to the side"),
}


def mood_caption(rng: np.random.Generator, expression: str) -> str:
    """One expression: "a person talks happily"."""
    return f"a person talks {_one_of(rng, MOODS[expression])}"


def caption(rng: np.random.Generator, expressions: list[str], gesture: Gesture) -> str:
    """expressions: in order of appearance; one or two."""
    words = mood_caption(rng, expressions[0])
    for expression in expressions[1:]:
        words += f", then {_one_of(rng, MOODS[expression])}"
    moves = _one_of(rng, GESTURES[gesture])
    return f"{words} and {moves}" if moves else words


def _one_of(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[rng.integers(len(words))]
