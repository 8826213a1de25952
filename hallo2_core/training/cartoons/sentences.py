"""What is said: sentences written for this project, split so that what is measured on was never heard in training."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import numpy as np

from .split import Split

HELD_BACK_SHARE = 5  # one sentence in so many


@cache
def sentences(split: Split) -> tuple[str, ...]:
    """Chosen by the text itself, so adding a sentence moves no other from one split to the other."""
    lines = Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines()
    held_back = split == "held_back"
    return tuple(line for line in lines if line and (zlib.crc32(line.encode()) % HELD_BACK_SHARE == 0) == held_back)


def chosen_sentences(rng: np.random.Generator, split: Split, count: int) -> list[str]:
    """count sentences in random order; none twice before all were used."""
    every = sentences(split)
    rounds = -(-count // len(every))
    order = np.concatenate([rng.permutation(len(every)) for _ in range(rounds)])
    return [every[index] for index in order[:count]]
