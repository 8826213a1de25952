"""All random draws of a clip: dropped pixels, noise on motion frames, initial latents.

All draws are made on the CPU, so a seed gives the same values on every device.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import torch
from torch import Tensor

from .motion_settings import PatchDropConfig
from .sampler_config import REPEATED, SamplerConfig


def clip_generator(seed: int, clip: int, stream: str = "latents") -> torch.Generator:
    """The generator of clip number `clip`, independent of other clips, so that a render can resume anywhere."""
    digest = hashlib.sha256(f"{seed}|{clip}|{stream}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def legacy_generator(sampler: SamplerConfig) -> torch.Generator:
    """As in the original (quirk 19): the single generator of a whole video, before its first clip."""
    return torch.Generator().manual_seed(sampler.seed)


class ClipDraws(Protocol):
    """The draws of one clip, in this order."""

    def drop_uniforms(self, rows: int, columns: int) -> Tensor:
        """(rows columns), 0..1."""

    def noise_time(self, below: int) -> int:
        """0 to below - 1, uniform; only for noise as trained."""

    def motion_noise(self, shape: torch.Size) -> Tensor:
        """Standard normal."""

    def latents(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Standard normal, shape (f 4 h w)."""

    def legacy_state(self) -> Tensor | None:
        """The state of the release's single generator after the clip's draws. None if each clip has its own."""


class SeededDraws:
    """Ours: patch-drop and sampler each have a seed."""

    def __init__(self, sampler: SamplerConfig, patch_drop: PatchDropConfig, clip: int) -> None:
        self._drop = clip_generator(patch_drop.seed, clip, "motion")
        self._latents = clip_generator(sampler.seed, 0 if sampler.clip_noise == REPEATED else clip, "latents")

    def drop_uniforms(self, rows: int, columns: int) -> Tensor:
        return torch.rand(rows, columns, generator=self._drop)

    def noise_time(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self._drop))

    def motion_noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self._drop)

    def latents(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.randn(shape, generator=self._latents).to(dtype)

    def legacy_state(self) -> None:
        return None


class LegacyDraws:
    """As in the original (quirk 19): one generator for the whole video under the sampler's seed. Each clip takes its
    pixel uniforms from it, then its latents, in the network's dtype and laid out (1 4 f h w)."""

    def __init__(self, generator: torch.Generator, patch_drop: PatchDropConfig, clip: int) -> None:
        self._generator = generator
        self._noise = clip_generator(patch_drop.seed, clip, "motion")  # separate: the release adds no noise

    def drop_uniforms(self, rows: int, columns: int) -> Tensor:
        return torch.rand(rows, columns, generator=self._generator)

    def noise_time(self, below: int) -> int:
        return int(torch.randint(below, (), generator=self._noise))

    def motion_noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self._noise)

    def latents(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        frames, channels, height, width = shape
        drawn = torch.randn((1, channels, frames, height, width), generator=self._generator, dtype=dtype)
        return drawn[0].transpose(0, 1)

    def legacy_state(self) -> Tensor:
        return self._generator.get_state()
