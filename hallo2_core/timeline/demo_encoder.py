"""The demo model's own text encoder. It was trained on phrases about moods alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checkpoints.demo import demo_text_network
from ..errors import TimelineError
from ..models.fingerprint import weights_fingerprint
from ..models.text_encoder import TextTransformer, pieces_of


class DemoTextEncoder:
    """`TextEncoder` over the small model's network, on the CPU."""

    is_demo = True

    def __init__(self, network: TextTransformer | None = None) -> None:
        """network: None is the one that ships with the pack."""
        self._network = demo_text_network() if network is None else network
        self.fingerprint = weights_fingerprint({"text_encoder.": self._network})

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """One text at a time, so that an embedding does not depend on other texts."""
        return torch.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> Tensor:
        """(d)"""
        config = self._network.config
        pieces = pieces_of(text, config.buckets)
        if len(pieces) > config.most_words:
            raise TimelineError(
                f"The prompt '{text[:40]}…' has {len(pieces)} words; the demo's text encoder reads "
                f"{config.most_words}. Make it shorter, or spread it over several spans."
            )
        return self._network([pieces])[0]
