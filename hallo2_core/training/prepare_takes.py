"""Takes of one performance with every expression: text control learns from what differs between them, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ..models.vae import AutoencoderKL
from ..models.wav2vec import SpeechEncoder
from .cartoons import EXPRESSIONS, FPS, Actor, Direction, Mood, draw, measure
from .cartoons.performance import performance
from .cartoons.split import Split
from .clip_records import SEED, clip_record
from .prepare_performances import speech_features
from .records import write_shard

STRENGTH = 0.9  # of the expressions


def prepare_takes(
    folder: Path, split: Split, seeds: range, seconds: float, size_px: int, vae: AutoencoderKL, encoder: SpeechEncoder
) -> Iterator[Path]:
    """Yield each finished shard, one for every actor: as clips, in the order of EXPRESSIONS. Voice, mouth and head move
    alike in all of them. Existing shards are kept. Errors: MissingDependencyError without espeak-ng."""
    for seed in seeds:
        path = folder / f"takes-{seed:06d}.safetensors"
        if not path.is_file():
            actor, spoken = Actor.from_seed(seed, split), performance(seed, split, seconds)
            features = speech_features(spoken, encoder)
            records = []
            for expression in EXPRESSIONS:
                direction = Direction((Mood(0.0, expression),), strength=STRENGTH)
                tracks = replace(spoken.tracks, expression=direction.weights(spoken.frames, FPS))
                frames, truth = draw(actor, tracks, size_px), measure(actor, tracks, size_px)
                records.append(clip_record(frames, truth, direction, features, vae) | {SEED: torch.tensor([seed])})
            write_shard(records, path)
        yield path
