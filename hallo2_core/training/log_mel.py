"""A coarse spectrum of each video frame: log energies of mel bands, standardized over the sound."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor

from ..audio.speech_signal import SPEECH_RATE_HZ

MEL_BANDS = 16
WINDOW = 512
HOP = 160  # a hundredth of a second; four per frame at 25 frames/s
LOWEST_HZ, HIGHEST_HZ = 80.0, 7600.0


def log_mels(sound: Tensor, frames: int) -> Tensor:
    """sound: (t) at 16 kHz, a 25th of a second per frame.  Returns (f bands), standardized over the sound."""
    spectrum = torch.stft(
        F.pad(sound, (0, WINDOW)), WINDOW, HOP, window=torch.hann_window(WINDOW), center=True, return_complex=True
    )
    energies = mel_filters() @ spectrum.abs().square()
    logs = (energies[:, : frames * 4] + 1e-6).log()
    per_frame = reduce(logs, "bands (f steps) -> f bands", "mean", steps=4)
    return (per_frame - per_frame.mean()) / (per_frame.std() + 1e-3)


def mel_filters() -> Tensor:
    """(bands, WINDOW // 2 + 1): triangles evenly spaced in mel."""
    low, high = (1127.0 * torch.log1p(torch.tensor(hz / 700.0)) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges_hz = 700.0 * torch.expm1(torch.linspace(float(low), float(high), MEL_BANDS + 2) / 1127.0)
    bins_hz = torch.linspace(0.0, SPEECH_RATE_HZ / 2, WINDOW // 2 + 1)
    edges = rearrange(edges_hz, "e -> e 1")
    rising = (bins_hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins_hz) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp_min(0.0)
