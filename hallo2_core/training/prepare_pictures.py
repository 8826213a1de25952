"""Pictures of cartoons for the VAE: many actors, a few frames each, covering all positions of each part of the face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from .cartoons.actor import Actor
from .cartoons.drawing import draw
from .cartoons.split import Split
from .cartoons.tracks import EXPRESSIONS, Tracks
from .draws import sample_rng
from .records import FRAMES, missing_shards

ACTORS_PER_SHARD = 64
ANGLES = {"yaw": 25.0, "pitch": 15.0, "roll": 15.0}  # degrees to either side
BOTH_WAYS = ("mouth_width", "gaze_x", "gaze_y", "brow")  # -1..1; the others are 0..1


def prepare_pictures(folder: Path, split: Split, actors: range, frames_per_actor: int, size_px: int) -> Iterator[Path]:
    """Yield each finished shard, see `missing_shards`."""
    return missing_shards(
        folder,
        "pictures",
        actors,
        ACTORS_PER_SHARD,
        lambda seed: [{FRAMES: pictures_of(seed, split, frames_per_actor, size_px)}],
    )


def pictures_of(seed: int, split: Split, frames: int, size_px: int) -> Tensor:
    """(f 3 h w) uint8: one actor."""
    tracks = scattered_tracks(sample_rng(0, seed, f"pictures {split}"), frames)
    drawn = draw(Actor.from_seed(seed, split), tracks, size_px)
    return rearrange((drawn * 255.0).round().byte(), "f h w c -> f c h w")


def scattered_tracks(rng: np.random.Generator, frames: int) -> Tracks:
    """Unrelated frames. Half of the mouths are nearly shut, most eyes are open."""
    still = Tracks.still(frames)
    curves = {name: torch.from_numpy(rng.random(frames)).float() for name in still.curves() if name != "expression"}
    for name in BOTH_WAYS:
        curves[name] = 2.0 * curves[name] - 1.0
    for name, most in ANGLES.items():
        curves[name] = torch.from_numpy(rng.normal(0.0, most / 2.5, frames)).float().clamp(-most, most)
    curves["mouth_open"] = curves["mouth_open"] ** 2
    curves["blink"] = (2.0 * curves["blink"] - 1.0).clamp_min(0.0) ** 2
    for name in ("teeth", "tongue", "mouth_round"):
        curves[name] = curves[name] ** 3
    strength = torch.from_numpy(rng.random((frames, 1))).float() * torch.from_numpy(rng.random((frames, 1)) < 0.6)
    shown = torch.eye(len(EXPRESSIONS))[torch.from_numpy(rng.integers(len(EXPRESSIONS), size=frames))]
    neutral = torch.eye(len(EXPRESSIONS))[:1]
    return Tracks(**curves, expression=strength * shown + (1.0 - strength) * neutral)
