"""Sync-C and Sync-D (Chung and Zisserman 2016): distances between the embeddings of lips and of sound, per offset."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

FURTHEST_FRAMES = 15


@dataclass(frozen=True)
class SyncResult:
    confidence: float  # Sync-C: the median over all offsets minus the least distance
    distance: float  # Sync-D: the least distance
    offset_frames: int  # where it is least: by how many frames the sound comes before the lips


class SyncScore:
    """Takes both embeddings as they come; holds 31 of each.

    As in the original: beyond its ends the sound's embeddings are zeros.
    """

    def __init__(self, width: int, furthest_frames: int = FURTHEST_FRAMES) -> None:
        self._furthest = furthest_frames
        self._offsets = 2 * furthest_frames + 1
        self._lips = torch.zeros(0, width)
        self._sound = torch.zeros(furthest_frames, width)
        self._totals = torch.zeros(self._offsets, dtype=torch.float64)
        self._count = 0

    def add(self, lips: Tensor, sound: Tensor) -> None:
        """Both (n d), of the same frames."""
        assert lips.shape == sound.shape
        self._lips, self._sound = torch.cat([self._lips, lips]), torch.cat([self._sound, sound])
        self._compare()

    def result(self) -> SyncResult | None:
        """At the end of both; None without a frame."""
        self._sound = torch.cat([self._sound, torch.zeros(self._furthest, self._sound.shape[1])])
        self._compare()
        if not self._count:
            return None
        means = self._totals / self._count
        least = int(means.argmin())
        distance = float(means[least])
        return SyncResult(float(means.median()) - distance, distance, self._furthest - least)

    def _compare(self) -> None:
        """Measure the frames whose neighborhood of sound is complete, and let go of them."""
        ready = max(len(self._sound) - self._offsets + 1, 0)
        if ready:
            around = self._sound.unfold(0, self._offsets, 1)[:ready]  # (n d offsets)
            apart = (rearrange(self._lips[:ready], "n d -> n d 1") - around).norm(dim=1)
            self._totals += apart.double().sum(dim=0)
            self._count += ready
        self._lips, self._sound = self._lips[ready:], self._sound[ready:]
