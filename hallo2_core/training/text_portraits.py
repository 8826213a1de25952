"""Portraits with neutral faces of the actors of clips: expressions have to come from prompts, not from the portrait."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..models.vae import AutoencoderKL
from .cartoons import Actor, Direction, Mood, Tracks, draw, measure
from .cartoons.split import Split
from .clip_records import clip_record
from .draws import sample_rng

LARGEST_ANGLES = {"yaw": 8.0, "pitch": 5.0, "roll": 5.0}  # degrees


class NeutralPortraits:
    """Drawn and encoded on first use, on the CPU."""

    def __init__(self, split: Split, size_px: int, vae: AutoencoderKL) -> None:
        self.split = split
        self.size_px = size_px
        self._vae = copy.deepcopy(vae).cpu()
        self._records: dict[int, Mapping[str, Tensor]] = {}

    def of(self, seed: int) -> Mapping[str, Tensor]:
        """The actor of this seed, mouth shut: a record of one frame, as `clip_record` makes them."""
        if seed not in self._records:
            actor, tracks = Actor.from_seed(seed, self.split), self._tracks(seed)
            frames, truth = (of(actor, tracks, self.size_px) for of in (draw, measure))
            neutral = Direction((Mood(0.0, "neutral"),))
            self._records[seed] = clip_record(frames, truth, neutral, torch.zeros(1, 1, 1), self._vae)
        return self._records[seed]

    def _tracks(self, seed: int) -> Tracks:
        rng = sample_rng(3, seed, f"neutral portrait {self.split}")
        angles = {name: torch.tensor([rng.uniform(-most, most)]).float() for name, most in LARGEST_ANGLES.items()}
        return replace(Tracks.still(), **angles)
