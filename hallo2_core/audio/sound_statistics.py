"""The statistics that the speech encoder normalizes with, of one piece or of a whole sound.

wav2vec2 normalizes twice: the samples by their mean and variance, and each channel of its first convolution by mean and
variance over time. The second undoes any gain the first has left, so whole-sound statistics have to cover both. That
convolution is linear: the first and second moments of its input windows give its channels' statistics exactly, without
running it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from ..models.wav2vec import ChannelStatistics

VARIANCE_FLOOR = 1e-7  # as in the original: transformers' feature extractor adds it to the variance
WINDOWS_AT_ONCE = 32_000
WINDOWS_OF_SILENCE = 1_600  # half a second: shorter silences are pauses of the voice


class Samples(Protocol):
    """A mono sound that is read piece by piece, such as `speech_signal.SpeechSignal`."""

    samples: int  # in all

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop: (t) float32."""


@dataclass(frozen=True)
class Loudness:
    """Mean and population variance of samples."""

    mean: float
    variance: float

    @classmethod
    def of(cls, sound: Tensor) -> Loudness:
        samples = sound.numpy().astype(np.float64)
        return cls(float(samples.mean()), float(samples.var()))

    @property
    def scale(self) -> float:
        return 1.0 / math.sqrt(self.variance + VARIANCE_FLOOR)

    def normalize(self, sound: Tensor) -> Tensor:
        """To zero mean and unit variance. sound: (t) → (t) float32."""
        return ((sound.double() - self.mean) * self.scale).float()


@dataclass(frozen=True)
class SoundStatistics:
    """Of a whole sound, from one pass in float64. window: samples per step of the encoder's first convolution."""

    loudness: Loudness
    stride: int
    windows: int
    window_mean: np.ndarray  # (window): of every sample of a window, over all windows
    window_products: np.ndarray  # (window window): of every product of two of its samples

    @classmethod
    def of_signal(
        cls,
        signal: Samples,
        window: int,
        stride: int,
        check_cancelled: Callable[[], None],
        sounding_only: bool = False,
    ) -> SoundStatistics:
        """Windows begin at every `stride`-th sample, as the convolution's do. The signal is longer than one.

        sounding_only: half seconds of nothing but zeros do not count. A voice is silent so where others speak.
        """
        total = squares = 0.0
        counted, windows, sums, products = 0, 0, np.zeros(window), np.zeros((window, window))
        at_once = (WINDOWS_OF_SILENCE if sounding_only else WINDOWS_AT_ONCE) * stride
        for start in range(0, signal.samples, at_once):
            check_cancelled()
            stop = min(start + at_once, signal.samples)
            samples = signal.read(start, min(stop + window - stride, signal.samples)).numpy().astype(np.float64)
            own = samples[: stop - start]
            if sounding_only and not own.any():
                continue
            counted += len(own)
            total += float(own.sum())
            squares += float(np.square(own).sum())
            if len(samples) >= window:
                seen = np.lib.stride_tricks.sliding_window_view(samples, window)[::stride]
                windows += len(seen)
                sums += seen.sum(axis=0)
                products += np.einsum(
                    "tj,tk->jk", seen, seen
                )  # not matmul, whose rounding may depend on the number of threads
        counted, windows = max(counted, 1), max(windows, 1)  # of nothing but silence: its statistics
        mean = total / counted
        variance = max(squares / counted - mean * mean, 0.0)
        return cls(Loudness(mean, variance), stride, windows, sums / windows, products / windows)

    def channels(self, weight: Tensor, silence: int) -> ChannelStatistics:
        """Channel statistics of a convolution without bias over the normalized sound and the zeros after it.

        weight: (c 1 window). silence: number of zeros; the few windows that overlap both count as silent.
        """
        taps = rearrange(weight.detach().cpu().double(), "c 1 window -> c window").numpy()
        mean, scale = self.loudness.mean, self.loudness.scale
        centred = self.window_mean - mean
        products = self.window_products - mean * (self.window_mean[:, None] + self.window_mean) + mean * mean
        sounding = self.windows / (self.windows + silence // self.stride)
        channel_mean = np.einsum("cj,j->c", taps, centred) * scale * sounding
        squares = np.einsum("cj,jk,ck->c", taps, products, taps) * scale**2 * sounding
        variance = np.maximum(squares - channel_mean**2, 0.0)
        return ChannelStatistics(torch.from_numpy(channel_mean), torch.from_numpy(variance))
