"""A sound as the speech encoder's input: mono, 16 kHz, readable at any position, bit-identical in any order of reads.

The signal is made block by block on a fixed grid. Each block is resampled with enough of its neighbors for the filter,
so that the blocks together are bit-identical to the whole sound resampled at once.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import MissingDependencyError, SettingsError
from .sound_statistics import SoundStatistics

if TYPE_CHECKING:
    from .waveform import AudioSource

SPEECH_RATE_HZ = 16_000
BLOCK_SECONDS = 10
KEPT_BLOCKS = 10  # one minute and its context, so that the next piece's context is still cached
MARGIN_SECONDS = 0.05  # the filters are shorter than 0.01 s on either side


class SpeechSignal:
    """`audio` as mono 16 kHz, lazily: the mean of its channels, resampled.

    resampler: "pyav" is available everywhere and therefore the default, since the resampler affects the final frames;
    "soxr" is what librosa uses in the release. They differ where their filters roll off.
    """

    def __init__(self, audio: AudioSource, resampler: str = "pyav") -> None:
        if resampler not in RESAMPLERS:
            raise SettingsError(f"The resampler is '{resampler}'; choose one of {', '.join(RESAMPLERS)}.")
        self.audio = audio
        self.resampler = resampler
        self.samples = -(-audio.samples * SPEECH_RATE_HZ // audio.rate_hz)  # ceil
        common = math.gcd(audio.rate_hz, SPEECH_RATE_HZ)
        # The shortest stretch that is a whole number of samples at both rates, and how many of them make the margin.
        self._unit_in, self._unit_out = audio.rate_hz // common, SPEECH_RATE_HZ // common
        self._margin_units = math.ceil(MARGIN_SECONDS * common)
        self._blocks: OrderedDict[int, Tensor] = OrderedDict()
        self._statistics: dict[tuple[int, int], SoundStatistics] = {}
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop of the 16 kHz signal, within it: (t) float32."""
        assert 0 <= start <= stop <= self.samples, f"samples {start} to {stop} of {self.samples}"
        block_samples = BLOCK_SECONDS * SPEECH_RATE_HZ
        stretch = []
        for index in range(start // block_samples, -(-stop // block_samples)):
            first = index * block_samples
            stretch.append(self._block(index)[max(start - first, 0) : stop - first])
        return torch.cat(stretch) if stretch else torch.zeros(0)

    def statistics(self, window: int, stride: int, check_cancelled: Callable[[], None]) -> SoundStatistics:
        """Of the whole signal, collected in one pass and cached."""
        if (window, stride) not in self._statistics:
            self._statistics[window, stride] = SoundStatistics.of_signal(self, window, stride, check_cancelled)
        return self._statistics[window, stride]

    def _block(self, index: int) -> Tensor:
        with self._lock:
            if index not in self._blocks:
                self._blocks[index] = self._resampled_block(index)
                while len(self._blocks) > KEPT_BLOCKS:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(index)
            return self._blocks[index]

    def _resampled_block(self, index: int) -> Tensor:
        """(t): ten seconds, or the rest at the end."""
        rate_hz = self.audio.rate_hz
        first = index * BLOCK_SECONDS * SPEECH_RATE_HZ
        length = min(BLOCK_SECONDS * SPEECH_RATE_HZ, self.samples - first)
        if rate_hz == SPEECH_RATE_HZ:
            return _mono(self.audio, first, first + length)
        start = index * BLOCK_SECONDS * rate_hz - self._margin_units * self._unit_in
        stop = (index + 1) * BLOCK_SECONDS * rate_hz + self._margin_units * self._unit_in
        resampled = RESAMPLERS[self.resampler](_mono(self.audio, start, stop), rate_hz)
        margin = self._margin_units * self._unit_out
        return resampled[margin : margin + length].clone()


def _mono(audio: AudioSource, start: int, stop: int) -> Tensor:
    """The mean of the channels, (t), silence before and after the sound."""
    inside = audio.read(max(start, 0), min(stop, audio.samples)).mean(dim=0)
    return F.pad(inside, (max(-start, 0), max(stop - audio.samples, 0)))


def _resample_with_pyav(sound: Tensor, rate_hz: int) -> Tensor:
    """(t) → (t). FFmpeg's resampler with a longer filter; the default one passes 8.4 kHz at −22 dB."""
    import av
    from av.filter import Graph

    graph = Graph()
    nodes = (
        graph.add_abuffer(sample_rate=rate_hz, format="fltp", layout="mono"),
        graph.add("aresample", f"{SPEECH_RATE_HZ}:filter_size=64:cutoff=0.97"),
        graph.add("abuffersink"),
    )
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(sound.unsqueeze(0).numpy(), format="fltp", layout="mono")
    frame.sample_rate = rate_hz
    graph.push(frame)
    graph.push(None)
    resampled = []
    while True:
        try:
            resampled.append(torch.from_numpy(graph.pull().to_ndarray()[0]))
        except EOFError:
            return torch.cat(resampled)


def _resample_with_soxr(sound: Tensor, rate_hz: int) -> Tensor:
    """(t) → (t). As in the original: librosa's default is soxr's HQ."""
    try:
        import soxr
    except ImportError as error:
        raise MissingDependencyError(
            "The resampler 'soxr' is not installed. Run: pip install 'comfyui-hallo2[audio]', or choose 'pyav'."
        ) from error
    return torch.from_numpy(soxr.resample(sound.numpy(), rate_hz, SPEECH_RATE_HZ, quality="HQ"))


RESAMPLERS: dict[str, Callable[[Tensor, int], Tensor]] = {"pyav": _resample_with_pyav, "soxr": _resample_with_soxr}
