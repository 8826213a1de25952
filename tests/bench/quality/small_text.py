"""The small model's text encoder, as timelines use one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from hallo2_core.checkpoints.small_model import SMALL_TEXT
from hallo2_core.checkpoints.text_encoder import load_small_text_encoder
from hallo2_core.models.text_encoder import pieces_of


class SmallTextEncoder:
    """A `TextEncoder` from any file of the small model's."""

    fingerprint = "small text encoder"
    is_demo = False

    def __init__(self, path: Path) -> None:
        self._network = load_small_text_encoder(path, SMALL_TEXT)

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """(n d)."""
        return torch.stack([self._network([pieces_of(text, SMALL_TEXT.buckets)])[0] for text in texts])
