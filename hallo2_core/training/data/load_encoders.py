"""The frozen networks that make records, from their files: full-size ones and the small model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ...checkpoints.build import load_vae
from ...checkpoints.read import read_tensors
from ...checkpoints.small_model import SMALL_VAE, SMALL_WAV2VEC
from ...checkpoints.speech_encoder import load_speech_encoder
from ...models.latents import VAECodec
from ...models.layers import Build
from ...models.vae import AutoencoderKL
from ...models.wav2vec import SpeechEncoder
from ...portrait.face_analysis import built_in_face_analysis
from ...portrait.released_faces import DETECTOR_FILE, RECOGNISER_FILE, released_face_analysis
from ...runtime import Runtime
from .prepared_video import Encoders


@dataclass(frozen=True)
class EncoderFiles:
    vae: str
    speech_encoder: str
    face_models: str = ""  # folder of the released face models; "" for the built-in detector, without identity


def load_encoders(files: EncoderFiles, runtime: Runtime) -> Encoders:
    """In float32, so that the records do not depend on the files' dtypes. Errors: CheckpointError,
    MissingDependencyError."""
    if files.face_models:
        folder = Path(files.face_models)
        faces = released_face_analysis(folder / DETECTOR_FILE, folder / RECOGNISER_FILE)
    else:
        faces = built_in_face_analysis()
    vae, speech = vae_of(files.vae), speech_encoder_of(files.speech_encoder)
    return Encoders(faces, VAECodec(vae, runtime), speech, runtime)


def vae_of(path: str) -> AutoencoderKL:
    """The groups of its norms cannot be deduced from a file: one with the small model's shapes has its groups."""
    config = SMALL_VAE if _has_shapes_of(AutoencoderKL(SMALL_VAE, Build(device="meta")), path) else None
    return load_vae(path, Build(dtype=torch.float32, device="cpu"), config=config).eval()


def speech_encoder_of(path: str) -> SpeechEncoder:
    """As `vae_of`, for the number of heads."""
    is_small = _has_shapes_of(SpeechEncoder(SMALL_WAV2VEC, device="meta").wav2vec, path)
    encoder = load_speech_encoder(path, torch.float32, config=SMALL_WAV2VEC if is_small else None)
    return encoder.eval().requires_grad_(False)


def _has_shapes_of(network: nn.Module, path: str) -> bool:
    own = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    return read_tensors(path).shapes == own
