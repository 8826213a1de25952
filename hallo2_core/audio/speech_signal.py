"""A sound as the speech encoder's input: mono, 16 kHz, read at any position."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from .mixed import Mixed
from .resampled import Resampled
from .sound_statistics import SoundStatistics

if TYPE_CHECKING:
    from .waveform import AudioSource

SPEECH_RATE_HZ = 16_000


class SpeechSignal:
    """`audio` as mono 16 kHz, lazily: the mean of its channels, resampled (see `Resampled`)."""

    def __init__(self, audio: AudioSource, resampler: str = "pyav") -> None:
        self.audio = audio
        self.resampler = resampler
        self._mono = Resampled(Mixed(audio, 1), SPEECH_RATE_HZ, resampler)
        self.samples = self._mono.samples
        self._statistics: dict[tuple[int, int, bool], SoundStatistics] = {}

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop of the 16 kHz signal, within it: (t) float32."""
        return self._mono.read(start, stop)[0]

    def statistics(
        self, window: int, stride: int, check_cancelled: Callable[[], None], sounding_only: bool = False
    ) -> SoundStatistics:
        """Of the whole signal, or of its sounding parts; collected in one pass and cached."""
        wanted = window, stride, sounding_only
        if wanted not in self._statistics:
            self._statistics[wanted] = SoundStatistics.of_signal(self, window, stride, check_cancelled, sounding_only)
        return self._statistics[wanted]
