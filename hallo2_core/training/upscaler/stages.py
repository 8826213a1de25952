"""The upscaler's stages by name: from a configuration's table to a stage of the loop, and to a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ...checkpoints.read import read_tensors
from ...checkpoints.small_model import SMALL_UPSCALER
from ...checkpoints.upscaler import assemble_upscaler
from ...checkpoints.upscaler_keys import released_names
from ...models.layers import Build
from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..config_file import settings_from
from ..data_settings import VAE, check_alike, check_codes_fit
from ..records import RecordShards
from .alignment_stage import AlignmentSettings, AlignmentStage
from .autoencoder_stage import AutoencoderSettings, AutoencoderStage
from .code_stage import CodeSettings, CodeStage
from .drawing_stage import DrawingSettings, DrawingStage
from .fresh_weights import fill_with_fresh_weights
from .fusion_stage import FusionSettings, FusionStage
from .latent_stage import LatentSettings, LatentStage

UpscalerStage: TypeAlias = DrawingStage | AutoencoderStage | CodeStage | FusionStage | AlignmentStage | LatentStage


def small_restorer(path: str = "", seed: int = 0) -> VideoRestorer:
    """path: of a file that one of the stages exported; "" gives fresh weights. Errors: CheckpointError."""
    build = Build(dtype=torch.float32)
    if path:
        weights = read_tensors(path)
        return assemble_upscaler(SMALL_UPSCALER, weights, weights.take, build)
    restorer = VideoRestorer(SMALL_UPSCALER, build)
    fill_with_fresh_weights(restorer, seed)
    return restorer


def sharp_encoder_of(autoencoder: str) -> Encoder:
    """The encoder of sharp faces, from the file of the autoencoder stage."""
    return small_restorer(autoencoder).encoder


def drawing_stage(table: Mapping[str, Any], seed: int, where: str) -> DrawingStage:
    settings = settings_from(DrawingSettings, table, where)
    faces, held_back = _faces(settings.faces, settings.validation_faces)
    return DrawingStage(small_restorer(settings.weights, seed), settings, faces, held_back, seed)


def autoencoder_stage(table: Mapping[str, Any], seed: int, where: str) -> AutoencoderStage:
    settings = settings_from(AutoencoderSettings, table, where)
    restorer = small_restorer(settings.weights, seed)
    faces, held_back = _faces(settings.faces, settings.validation_faces)
    return AutoencoderStage(restorer, settings, faces, held_back, seed)


def code_stage(table: Mapping[str, Any], seed: int, where: str) -> CodeStage:
    settings = settings_from(CodeSettings, table, where)
    restorer = small_restorer(settings.weights or settings.autoencoder)
    faces, held_back = _faces(settings.faces, settings.validation_faces)
    return CodeStage(restorer, sharp_encoder_of(settings.autoencoder), settings, faces, held_back, seed)


def fusion_stage(table: Mapping[str, Any], seed: int, where: str) -> FusionStage:
    settings = settings_from(FusionSettings, table, where)
    faces, held_back = _faces(settings.faces, settings.validation_faces)
    encoder = sharp_encoder_of(settings.autoencoder)
    return FusionStage(small_restorer(settings.weights), encoder, settings, faces, held_back, seed)


def alignment_stage(table: Mapping[str, Any], seed: int, where: str) -> AlignmentStage:
    settings = settings_from(AlignmentSettings, table, where)
    restorer = small_restorer(settings.weights)
    check_codes_fit([Path(settings.clips), Path(settings.validation_clips)], restorer)
    clips, held_back = RecordShards(settings.clips), RecordShards(settings.validation_clips)
    return AlignmentStage(restorer, settings, clips, held_back, seed)


def latent_stage(table: Mapping[str, Any], seed: int, where: str) -> LatentStage:
    settings = settings_from(LatentSettings, table, where)
    faces, held_back = _faces(settings.faces, settings.validation_faces)
    encoder = sharp_encoder_of(settings.autoencoder)
    return LatentStage(small_restorer(settings.weights), encoder, settings, faces, held_back, seed)


def _faces(*folders: str) -> list[RecordShards]:
    """Errors: SettingsError if the folders' faces were made with different VAEs."""
    check_alike(list(map(Path, folders)), [VAE])
    return list(map(RecordShards, folders))


UPSCALER_STAGES: dict[str, Callable[[Mapping[str, Any], int, str], UpscalerStage]] = {
    "upscaler_drawing": drawing_stage,
    "upscaler_autoencoder": autoencoder_stage,
    "upscaler_codes": code_stage,
    "upscaler_fusion": fusion_stage,
    "upscaler_alignment": alignment_stage,
    "upscaler_latents": latent_stage,
}


def upscaler_tensors(stage: UpscalerStage) -> dict[str, Tensor]:
    """The whole upscaler under the names of net_g.pth, what the stage trained and what it did not."""
    return released_names(stage.restorer.state_dict())
