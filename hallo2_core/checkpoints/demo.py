"""The demo: the small model, trained on talking cartoons, whose weights ship with the pack (docs/training.md).

It runs every stage of the real pipeline on a CPU, at 128x128. It draws cartoons: a photograph comes out poorly.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from ..models.hallo2_models import Hallo2Models, TextAdapter
from ..models.layers import Build
from ..models.text_encoder import TextTransformer
from ..models.upscaler.upscaler import Upscaler
from ..models.wav2vec import SpeechEncoder
from .build import load_hallo2, load_vae
from .small_model import SMALL_HALLO2, SMALL_SETTINGS, SMALL_TEXT, SMALL_UPSCALER, SMALL_VAE, SMALL_WAV2VEC
from .speech_encoder import load_speech_encoder
from .text_control import load_text_adapter
from .text_encoder import load_small_text_encoder
from .upscaler import load_upscaler

TRAINED = Path(__file__).with_name("trained")
DEMO_FEW_STEP = TRAINED / "small_few_step.safetensors"
FULL_PRECISION = Build(dtype=torch.float32)


def demo_hallo2(build: Build = FULL_PRECISION, use_mmap: bool = True, few_step: Path | None = None) -> Hallo2Models:
    """The five networks and their VAE. build, use_mmap, few_step: as for `load_hallo2`."""
    path = TRAINED / "small_hallo2.safetensors"
    models = load_hallo2(path, build, use_mmap, config=SMALL_HALLO2, few_step=few_step)
    vae = load_vae(TRAINED / "small_vae.safetensors", build.wide, use_mmap, SMALL_VAE)
    return replace(models, vae=vae, usual=SMALL_SETTINGS)


def demo_speech_encoder(use_mmap: bool = True) -> SpeechEncoder:
    """In float32, as every speech encoder runs."""
    path = TRAINED / "small_speech_encoder.safetensors"
    return load_speech_encoder(path, torch.float32, use_mmap=use_mmap, config=SMALL_WAV2VEC)


def demo_text_adapter(build: Build = FULL_PRECISION, use_mmap: bool = True) -> TextAdapter:
    return load_text_adapter(TRAINED / "small_text_adapter.safetensors", build, use_mmap)


def demo_text_network() -> TextTransformer:
    """What turns prompts into embeddings for the demo's adapter, in float32 on the CPU."""
    return load_small_text_encoder(TRAINED / "small_text_encoder.safetensors", SMALL_TEXT)


def demo_upscaler(build: Build = FULL_PRECISION, use_mmap: bool = True) -> Upscaler:
    return load_upscaler(TRAINED / "small_upscaler.safetensors", build, use_mmap, SMALL_UPSCALER)
