"""The mouth from the sound itself, for speech whose phonemes are unknown: loudness opens it, the spectrum shapes it."""

from __future__ import annotations

import torch
from torch import Tensor

from ...audio.speech_signal import SPEECH_RATE_HZ

WINDOW = 512
QUIET_DB = 32.0  # below the loud parts of the sound: the mouth is shut
HISS_HZ, VOICE_HZ = 3500.0, 300.0


def mouth_curves_of_sound(samples: Tensor, frames: int, fps: float) -> dict[str, Tensor]:
    """samples: (t) float32, 16 kHz.  The five curves of the mouth, (f) each, by their names in `Tracks`.

    Opening follows the loudness of the voice (its level over the last 32 dB), width and rounding the centroid of the
    spectrum between 300 and 3500 Hz, teeth the share of what is above it. Silence shuts the mouth.
    """
    times = ((torch.arange(frames) + 0.5) / fps * SPEECH_RATE_HZ).long()
    padded = torch.nn.functional.pad(samples.float(), (WINDOW, WINDOW + int(SPEECH_RATE_HZ / fps)))
    starts = (times + WINDOW // 2).clamp_max(padded.shape[0] - WINDOW)
    pieces = padded[starts[:, None] + torch.arange(WINDOW)]
    power = torch.fft.rfft(pieces * torch.hann_window(WINDOW)).abs().square()
    hertz = torch.fft.rfftfreq(WINDOW, 1 / SPEECH_RATE_HZ)
    voice = power * ((hertz > VOICE_HZ) & (hertz < HISS_HZ))
    level = 10 * torch.log10(voice.sum(dim=1) + 1e-9)
    loud = torch.quantile(level, 0.95)
    if loud < -60:  # nothing but silence
        return {name: torch.zeros(frames) for name in ("mouth_open", "mouth_width", "mouth_round", "teeth", "tongue")}
    opening = ((level - loud + QUIET_DB) / QUIET_DB).clamp(0, 1.1) ** 1.5
    centroid = (voice * hertz).sum(dim=1) / voice.sum(dim=1).clamp_min(1e-9)
    hiss = (power * (hertz >= HISS_HZ)).sum(dim=1) / power.sum(dim=1).clamp_min(1e-9)
    spoken = (opening > 0.05).float()
    bright = ((centroid - 900) / 900).clamp(-1, 1)
    curves = {
        "mouth_open": (0.75 * opening * (1 - 0.6 * hiss)).clamp(0, 1),
        "mouth_width": (bright.clamp_min(0) * 0.8 * spoken),
        "mouth_round": ((-bright).clamp_min(0) * 0.9 * spoken),
        "teeth": (hiss * (level > loud - 45)),
        "tongue": torch.zeros(frames),
    }
    return {name: _smooth(curve) for name, curve in curves.items()}


def _smooth(curve: Tensor) -> Tensor:
    """Over three frames: a mouth does not jump."""
    padded = torch.cat([curve[:1], curve, curve[-1:]])
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
