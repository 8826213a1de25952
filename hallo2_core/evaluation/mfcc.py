"""Mel-frequency cepstral coefficients as SyncNet was trained with: those of python_speech_features, its defaults.

16-bit levels, pre-emphasis 0.97, frames of 25 ms every 10 ms without a window, 26 mel filters up to 8 kHz, 13
coefficients with a lifter of 22, the first one replaced by the log of the frame's energy.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio.speech_signal import SPEECH_RATE_HZ, SpeechSignal

STEP, FRAME, TRANSFORM = 160, 400, 512  # samples
FILTERS, COEFFICIENTS, LIFTER = 26, 13, 22
EMPHASIS = 0.97
FULL_SCALE = 32768.0
TINY = torch.finfo(torch.float64).eps


def mfcc(signal: SpeechSignal, first: int, count: int) -> Tensor:
    """(count 13) float32: `count` steps of 10 ms from step `first` on. Silence follows the signal's end."""
    begin, end = first * STEP - 1, (first + count - 1) * STEP + FRAME
    sound = signal.read(max(begin, 0), min(end, signal.samples)).double()
    sound = F.pad(sound, (max(-begin, 0), end - max(begin, 0) - len(sound))) * FULL_SCALE
    emphasized = sound[1:] - EMPHASIS * sound[:-1]
    if end > signal.samples:  # the padding is added after the filter
        emphasized[signal.samples - begin - 1 :] = 0.0
    power = torch.fft.rfft(emphasized.unfold(0, FRAME, STEP), TRANSFORM).abs().square() / TRANSFORM
    energy = _positive(power.sum(dim=1))
    mel = _positive(power @ mel_filters().T).log() @ _cosines().T
    return torch.cat([energy.log().unsqueeze(1), mel[:, 1:]], dim=1).float()


@cache
def mel_filters() -> Tensor:
    """(26 257) float64: triangles between neighboring points of the mel scale, on whole bins."""
    most = 2595.0 * math.log10(1.0 + SPEECH_RATE_HZ / 2 / 700.0)
    points = [700.0 * (10.0 ** (most * i / (FILTERS + 1) / 2595.0) - 1.0) for i in range(FILTERS + 2)]
    bins = [math.floor((TRANSFORM + 1) * hz / SPEECH_RATE_HZ) for hz in points]
    filters = torch.zeros(FILTERS, TRANSFORM // 2 + 1, dtype=torch.float64)
    for row, (low, middle, high) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        for place in range(low, middle):
            filters[row, place] = (place - low) / (middle - low)
        for place in range(middle, high):
            filters[row, place] = (high - place) / (high - middle)
    return filters


@cache
def _cosines() -> Tensor:
    """(13 26) float64: the orthonormal DCT-II, each row weighted by the lifter."""
    orders = torch.arange(COEFFICIENTS, dtype=torch.float64).unsqueeze(1)
    angles = math.pi * orders * (2 * torch.arange(FILTERS, dtype=torch.float64) + 1) / (2 * FILTERS)
    scale = torch.full_like(orders, math.sqrt(2 / FILTERS))
    scale[0] = math.sqrt(1 / FILTERS)
    lifter = 1.0 + LIFTER / 2 * torch.sin(math.pi * orders / LIFTER)
    return scale * lifter * angles.cos()


def _positive(values: Tensor) -> Tensor:
    return torch.where(values == 0, TINY, values)
