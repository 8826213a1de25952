"""All randomness in training is derived from a sample's number: no generator state has to be saved.

Sample n of a run has the same picture, noise and timestep, independent of stops and of how many processes share a
step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from ..animation.noise_schedule import TRAINING_STEPS

GOLDEN_RATIO = (5**0.5 - 1) / 2


def sample_seed(seed: int, number: int, purpose: str) -> int:
    """63 bits from the run's seed, the sample's number and the purpose, so that purposes do not share a stream."""
    digest = hashlib.blake2b(f"{seed}|{number}|{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def sample_generator(seed: int, number: int, purpose: str) -> torch.Generator:
    """On the CPU: the same draws on every device."""
    return torch.Generator().manual_seed(sample_seed(seed, number, purpose))


def sample_rng(seed: int, number: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(sample_seed(seed, number, purpose))


def spread_timestep(number: int) -> int:
    """0..TRAINING_STEPS - 1: any few samples in a row have timesteps that are spread evenly, as multiples of the golden
    ratio are. The loss depends mostly on the timestep, so a batch's mean varies less than with independent draws."""
    return int(TRAINING_STEPS * (number * GOLDEN_RATIO % 1.0))


def samples_of(step: int, batch_size: int, part: int = 0, parts: int = 1) -> Sequence[int]:
    """The sample numbers of one of `parts` equal shares of a step's batch."""
    share = batch_size // parts
    first = step * batch_size + part * share
    return range(first, first + share)
