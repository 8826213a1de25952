"""Pictures and sounds for test videos, and analysis of a video's sound."""

from dataclasses import dataclass

import av
import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sound:
    """The stand-in for an AudioSource: read in stretches, and remembers how far."""

    waveform: Tensor  # (c t)
    rate_hz: int

    @property
    def channels(self):
        return self.waveform.shape[0]

    @property
    def samples(self):
        return self.waveform.shape[1]

    def read(self, start, stop):
        assert 0 <= start < stop <= self.samples
        return self.waveform[:, start:stop]


def speech_like(rate_hz, seconds, channels=1):
    """Bursts of harmonics below 3 kHz, different in every channel."""
    samples = round(rate_hz * seconds)
    time = np.arange(samples) / rate_hz
    draws = np.random.default_rng(7)
    waves = []
    for _ in range(channels):
        pitch, wave = draws.uniform(90, 220), np.zeros(samples)
        for harmonic in range(1, 14):
            wave += np.sin(2 * np.pi * harmonic * pitch * time + draws.uniform(0, 6)) / harmonic
        waves.append(0.2 * wave * (np.sin(2 * np.pi * draws.uniform(0.5, 2) * time + draws.uniform(0, 6)) > -0.3))
    return Sound(torch.tensor(np.stack(waves), dtype=torch.float32), rate_hz)


def decoded_sound(path):
    """(c t) and the rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packed = av.AudioResampler(format="flt")  # eight planes crash PyAV
        blocks = [block.to_ndarray() for frame in container.decode(stream) for block in packed.resample(frame)]
        channels = stream.codec_context.channels
    return np.concatenate(blocks, axis=1).reshape(-1, channels).T, stream.rate


def lag_samples(reference, heard):
    size = 1 << (len(reference) + len(heard)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size)), size)
    peak = int(np.argmax(product))
    return peak - size if peak > size // 2 else peak


def moving_picture(frames, height=64, width=64):
    """Smooth and moving: (f h w 3) in 0..1."""
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 3, width), indexing="ij")
    phases = torch.arange(frames)[:, None, None] / 5
    return torch.stack([(x + phases).sin(), (y - phases).cos(), (x + y + phases).sin()], dim=-1) * 0.4 + 0.5
