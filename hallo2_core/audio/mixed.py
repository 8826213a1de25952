"""A sound with another number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einops import repeat
from torch import Tensor

if TYPE_CHECKING:
    from .waveform import AudioSource


class Mixed:
    """An AudioSource: `audio` itself if it has as many channels, else the mean of its channels in each."""

    def __init__(self, audio: AudioSource, channels: int) -> None:
        self._audio = audio
        self.rate_hz = audio.rate_hz
        self.channels = channels
        self.samples = audio.samples

    def read(self, start: int, stop: int) -> Tensor:
        sound = self._audio.read(start, stop)
        if sound.shape[0] == self.channels:
            return sound
        return repeat(sound.mean(dim=0), "t -> c t", c=self.channels)

    def fingerprint(self) -> str:
        return f"{self._audio.fingerprint()}, mixed down to {self.channels}"
