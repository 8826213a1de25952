"""Takes of one performance with every expression: text control learns from what differs between them, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from .cartoons import EXPRESSIONS, FPS, Actor, Direction, Mood, draw, measure
from .cartoons.performance import performance
from .cartoons.split import Split
from .clip_records import SEED, clip_record
from .data_settings import claim_folder, data_settings
from .prepare_performances import speech_features
from .records import missing_shards

STRENGTH = 0.9  # of the expressions


def prepare_takes(
    folder: Path, split: Split, seeds: range, seconds: float, size_px: int, vae: AutoencoderKL, encoder: SpeechEncoder
) -> Iterator[Path]:
    """Yield each finished shard, one for every actor: as clips, in the order of EXPRESSIONS. Voice, mouth and head move
    alike in all of them. Errors as for `prepare_clips`."""

    def records_of(seed: int) -> Iterator[dict[str, Tensor]]:
        actor, spoken = Actor.from_seed(seed, split), performance(seed, split, seconds)
        features = speech_features(spoken, encoder)
        for expression in EXPRESSIONS:
            direction = Direction((Mood(0.0, expression),), strength=STRENGTH)
            tracks = replace(spoken.tracks, expression=direction.weights(spoken.frames, FPS))
            frames = draw(actor, tracks.to(next(vae.parameters()).device), size_px)
            truth = measure(actor, tracks, size_px)
            yield clip_record(frames, truth, direction, features, vae) | {SEED: torch.tensor([seed])}

    claim_folder(folder, data_settings(f"cartoons, {split}", size_px, FPS, vae, encoder))
    return missing_shards(folder, "takes", seeds, 1, records_of)
