"""Everything random in training comes from the number of a sample: no generator's state has to be saved.

Sample n of a run is the same picture, noise and timestep however often the run was stopped, and however many processes
share a step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch


def sample_seed(seed: int, number: int, purpose: str) -> int:
    """63 bits from the run's seed, the sample's number and what is drawn, so that purposes do not share a stream."""
    digest = hashlib.blake2b(f"{seed}|{number}|{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def sample_generator(seed: int, number: int, purpose: str) -> torch.Generator:
    """On the CPU: the same draws on every device."""
    return torch.Generator().manual_seed(sample_seed(seed, number, purpose))


def sample_rng(seed: int, number: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(sample_seed(seed, number, purpose))


def samples_of(step: int, batch_size: int, part: int = 0, parts: int = 1) -> Sequence[int]:
    """The numbers of a step's samples that one of `parts` equal shares of the batch is made of."""
    share = batch_size // parts
    first = step * batch_size + part * share
    return range(first, first + share)
