"""The small model's networks in full precision, with fresh weights or from their files."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..checkpoints.networks import PREFIXES, hallo2_networks
from ..checkpoints.read import read_tensors
from ..checkpoints.small_model import SMALL_HALLO2, SMALL_TEXT, SMALL_VAE, SMALL_WAV2VEC
from ..errors import CheckpointError
from ..models.hallo2_models import Hallo2Models
from ..models.layers import Build
from ..models.text_encoder import TextTransformer
from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from .plain_attention import plain_attention

FULL_PRECISION = Build(dtype=torch.float32, attention=plain_attention)


def small_vae(path: str = "") -> AutoencoderKL:
    """path: of its file; "" leaves torch's initial weights."""
    vae = AutoencoderKL(SMALL_VAE, FULL_PRECISION)
    return _filled(vae, path) if path else vae


def small_speech_encoder(path: str = "") -> SpeechEncoder:
    encoder = SpeechEncoder(SMALL_WAV2VEC)
    if path:
        _filled(encoder.wav2vec, path)
    return encoder


def small_text_encoder(path: str = "") -> TextTransformer:
    encoder = TextTransformer(SMALL_TEXT, FULL_PRECISION)
    return _filled(encoder, path) if path else encoder


def small_hallo2(path: str = "") -> Hallo2Models:
    models = hallo2_networks(SMALL_HALLO2, FULL_PRECISION)
    if path:
        tensors = _read(path)
        for name, prefix in PREFIXES.items():
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            _fill(getattr(models, name), own, path)
    return models


def _filled(network: nn.Module, path: str) -> nn.Module:
    _fill(network, _read(path), path)
    return network


def _read(path: str) -> dict[str, Tensor]:
    weights = read_tensors(path)
    return {key: weights.take(key, torch.float32) for key in weights}


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], path: str) -> None:
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} does not hold the small model's weights ({reason}). Choose another.") from error
