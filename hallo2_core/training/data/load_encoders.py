"""The frozen networks that make records, from their files: full-size ones and the small model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

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
from ..stages import small_speech_encoder, small_vae
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
    own = AutoencoderKL(SMALL_VAE, Build(device="meta")).state_dict()
    if read_tensors(path).shapes == {key: tuple(tensor.shape) for key, tensor in own.items()}:
        vae = small_vae(path)
    else:
        vae = load_vae(path, Build(dtype=torch.float32, device="cpu"))
    return vae.eval().requires_grad_(False)


def speech_encoder_of(path: str) -> SpeechEncoder:
    """As `vae_of`, for the number of heads."""
    own = SpeechEncoder(SMALL_WAV2VEC, device="meta").wav2vec.state_dict()
    if read_tensors(path).shapes == {key: tuple(tensor.shape) for key, tensor in own.items()}:
        encoder = small_speech_encoder(path)
    else:
        encoder = load_speech_encoder(path, torch.float32)
    return encoder.eval().requires_grad_(False)
