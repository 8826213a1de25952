"""Performances of talking cartoons: voices for the speech encoder, clips for joint training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from .cartoons import Actor, draw, measure
from .cartoons.performance import FPS, Performance, performance
from .cartoons.split import Split
from .cartoons.visemes import CURVES
from .clip_records import CAPTION, SEED, caption_tensor, clip_record
from .data_settings import claim_folder, data_settings
from .records import missing_shards
from .speech_stage import MOUTH, SOUND, heard_sound

VOICES_PER_SHARD, CLIPS_PER_SHARD = 32, 8
Record = Mapping[str, Tensor]


def prepare_voices(folder: Path, split: Split, seeds: range, seconds: float) -> Iterator[Path]:
    """Yield each finished shard, see `missing_shards`. Errors: MissingDependencyError without espeak-ng."""
    return missing_shards(folder, "voices", seeds, VOICES_PER_SHARD, lambda seed: [voice_record(seed, split, seconds)])


def prepare_clips(
    folder: Path,
    split: Split,
    seeds: range,
    seconds: float,
    size_px: int,
    vae: AutoencoderKL,
    encoder: SpeechEncoder,
) -> Iterator[Path]:
    """As `prepare_voices`. The actor of each seed speaks with the voice of the same seed. Drawn, encoded and heard on
    the device of the networks.

    Errors: SettingsError too, if the folder's clips were made with other settings.
    """

    def records_of(seed: int) -> list[Record]:
        actor, spoken = Actor.from_seed(seed, split), performance(seed, split, seconds)
        frames = draw(actor, spoken.tracks.to(next(vae.parameters()).device), size_px)
        truth = measure(actor, spoken.tracks, size_px)
        features = speech_features(spoken, encoder)
        caption = caption_tensor(spoken.caption)
        made = clip_record(frames, truth, spoken.direction, features, vae)
        return [made | {SEED: torch.tensor([seed]), CAPTION: caption}]

    claim_folder(folder, data_settings(f"cartoons, {split}", size_px, FPS, vae, encoder))
    return missing_shards(folder, "clips", seeds, CLIPS_PER_SHARD, records_of)


def voice_record(seed: int, split: Split, seconds: float) -> Record:
    spoken = performance(seed, split, seconds)
    curves = spoken.tracks.curves()
    sound = (spoken.samples.clamp(-1, 1) * 32767.0).round().short()
    return {SOUND: sound, MOUTH: torch.stack([curves[name] for name in CURVES], dim=1)}


@torch.no_grad()
def speech_features(spoken: Performance, encoder: SpeechEncoder) -> Tensor:
    """(f layers d), on the CPU: the features that a video's windows are cut from, for a sound of one piece."""
    sound, positions = heard_sound(spoken.samples, spoken.frames, encoder)
    return encoder(sound.to(next(encoder.parameters()).device), positions).cpu()
