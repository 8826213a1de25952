"""A stand-in for CLIP that needs no file, for the demo model. It has no knowledge of language."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from .prompts import TEXT_WIDTH


class DemoTextEncoder:
    """Each word has its own random vector, the same on every run; a prompt is the sum of its words' vectors."""

    fingerprint = "demo"
    is_demo = True

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(n d) float32, numbers of unit scale."""
        return torch.stack([_embedding(text.casefold().split()) for text in texts])


def _embedding(words: Sequence[str]) -> Tensor:
    return torch.stack([_word(word) for word in words]).sum(dim=0) / len(words) ** 0.5


def _word(word: str) -> Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)
    return torch.randn(TEXT_WIDTH, generator=torch.Generator().manual_seed(seed))
