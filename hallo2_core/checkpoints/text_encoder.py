"""The small model's own text encoder, from a file that `hallo2 train text_encoder --export` writes."""

from __future__ import annotations

from pathlib import Path

import torch

from ..config import SmallTextConfig
from ..errors import CheckpointError
from ..models.layers import Build
from ..models.text_encoder import TextTransformer
from .read import read_tensors


def load_small_text_encoder(path: Path | str, config: SmallTextConfig) -> TextTransformer:
    """In float32 on the CPU. Errors: CheckpointError."""
    weights = read_tensors(path)
    encoder = TextTransformer(config, Build(dtype=torch.float32, device="meta"))
    expected = {key: tuple(tensor.shape) for key, tensor in encoder.state_dict().items()}
    if wrong := sorted(key for key in expected.keys() | weights.keys() if expected.get(key) != weights.shapes.get(key)):
        raise CheckpointError(
            f"{weights.path.name} is not the small model's text encoder: {len(wrong)} tensors are missing, unknown or "
            f"of another shape (such as {wrong[0]}). Choose a file written by 'hallo2 train text_encoder --export'."
        )
    encoder.load_state_dict({key: weights.take(key, torch.float32) for key in expected}, strict=True, assign=True)
    return encoder.eval().requires_grad_(False)
