"""What is learned from and what is only measured on: two streams of random numbers that never meet."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ...errors import SettingsError

Split = Literal["train", "held_back"]
SPLITS: tuple[Split, ...] = get_args(Split)


def generator(seed: int, split: Split, subject: str) -> np.random.Generator:
    """The random numbers of one subject (hair, voice, ...) of one seed.

    Each subject has a stream of its own, so a change in how one is drawn leaves the others as they were.
    Errors: SettingsError for an unknown split or a negative seed.
    """
    if split not in SPLITS:
        raise SettingsError(f"The split is {split!r}; expected one of {', '.join(SPLITS)}.")
    if seed < 0:
        raise SettingsError(f"The seed is {seed}; expected 0 or more.")
    return np.random.default_rng([seed, SPLITS.index(split), *subject.encode()])
