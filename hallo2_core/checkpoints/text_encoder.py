"""The small model's own text encoder, from a file that `hallo2 train text_encoder --export` writes."""

from __future__ import annotations

from pathlib import Path

import torch

from ..config import SmallTextConfig
from ..models.layers import Build
from ..models.text_encoder import TextTransformer
from .read import check_shapes, read_tensors


def load_small_text_encoder(path: Path | str, config: SmallTextConfig) -> TextTransformer:
    """In float32 on the CPU. Errors: CheckpointError."""
    weights = read_tensors(path)
    encoder = TextTransformer(config, Build(dtype=torch.float32, device="meta"))
    expected = {key: tuple(tensor.shape) for key, tensor in encoder.state_dict().items()}
    advice = "Choose a file written by 'hallo2 train text_encoder --export'."
    check_shapes(weights, expected, "is not the small model's text encoder", advice)
    encoder.load_state_dict({key: weights.take(key, torch.float32) for key in expected}, strict=True, assign=True)
    return encoder.eval().requires_grad_(False)
