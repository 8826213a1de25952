"""The small model's text encoder, trained to tell the moods of written prompts apart; before its adapter, and alone.

The adapter then sees an embedding of what matters, and any wording of a mood is near the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.text_encoder import Pieces, TextTransformer, pieces_of
from .batch import Batch
from .cartoons.split import Split
from .cartoons.tracks import EXPRESSIONS
from .draws import sample_rng
from .text_phrases import drawn_phrase

VALIDATION_PHRASES = 1000
SMOOTHING = 0.05  # of the targets
DROPPED_PIECES = 0.25  # in training: parts of a word have to do without the rest


@dataclass(frozen=True)
class TextEncoderStageSettings:
    weights: str = ""  # a file to begin with; "" starts from scratch


@dataclass(frozen=True)
class PhraseBatch(Batch):
    texts: tuple[Pieces, ...]
    moods: Tensor  # (n), indices of EXPRESSIONS


class TextEncoderObjective(nn.Module):
    """Cross-entropy of a linear probe."""

    def __init__(self, encoder: TextTransformer) -> None:
        super().__init__()
        self.encoder = encoder
        self.reading = nn.Linear(encoder.config.text_width, len(EXPRESSIONS))

    def forward(self, batch: PhraseBatch) -> dict[str, Tensor]:
        read = self.reading(self.encoder(batch.texts))
        return {
            "loss": F.cross_entropy(read, batch.moods, label_smoothing=SMOOTHING),
            "right": (read.argmax(dim=1) == batch.moods).float().mean(),
        }


class TextEncoderStage:
    name = "text_encoder"

    def __init__(self, encoder: TextTransformer, seed: int) -> None:
        self.network = TextEncoderObjective(encoder)
        self._seed = seed

    def batch(self, numbers: Sequence[int]) -> PhraseBatch:
        return self._phrases(numbers, "train", self._seed, dropped=True)

    def _phrases(self, numbers: Sequence[int], split: Split, seed: int, dropped: bool = False) -> PhraseBatch:
        texts, moods = [], []
        for number in numbers:
            rng = sample_rng(seed, number, f"phrase {split}")
            mood = int(rng.integers(len(EXPRESSIONS)))
            phrase = drawn_phrase(rng, EXPRESSIONS[mood], split)
            pieces = pieces_of(phrase, self.network.encoder.config.buckets)
            texts.append(_thinned(rng, pieces) if dropped else pieces)
            moods.append(mood)
        return PhraseBatch(tuple(texts), torch.tensor(moods))

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return name.startswith("encoder.blocks.")

    def validate(self) -> Mapping[str, float]:
        """The shares of phrases whose mood is read, of words that were learned from and of held-back words."""
        device = self.network.reading.weight.device
        batches = {
            split: self._phrases(range(VALIDATION_PHRASES), split, self._seed + 1).to(device)
            for split in ("train", "held_back")
        }
        return {f"right_{split}": float(self.network(batch)["right"]) for split, batch in batches.items()}


def _thinned(rng: np.random.Generator, text: Pieces) -> Pieces:
    """Each word with some of its pieces, or with all."""
    return tuple(tuple(piece for piece in word if rng.random() >= DROPPED_PIECES) or word for word in text)
