"""A sound at another sample rate, readable at any position, bit-identical in any order of reads.

It is made block by block on a fixed grid. Each block is resampled with enough of its neighbors for the filter, so that
the blocks together are bit-identical to the whole sound resampled at once.
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

if TYPE_CHECKING:
    from .waveform import AudioSource

BLOCK_SECONDS = 10
KEPT_BLOCKS = 10  # for the speech encoder: one minute and its context, so that the next piece's context is still cached
MARGIN_SECONDS = 0.05  # the filters are shorter than 0.01 s on either side


class Resampled:
    """`audio` at `rate_hz`, lazily; an AudioSource but for the fingerprint.

    resampler: "pyav" is available everywhere and therefore the default, since the resampler affects the final frames;
    "soxr" is what librosa uses in the release. They differ where their filters roll off.
    """

    def __init__(self, audio: AudioSource, rate_hz: int, resampler: str = "pyav") -> None:
        if resampler not in RESAMPLERS:
            raise SettingsError(f"The resampler is '{resampler}'; choose one of {', '.join(RESAMPLERS)}.")
        self.audio = audio
        self.rate_hz = rate_hz
        self.channels = audio.channels
        self.samples = -(-audio.samples * rate_hz // audio.rate_hz)  # ceil
        self._resample = RESAMPLERS[resampler]
        common = math.gcd(audio.rate_hz, rate_hz)
        # The shortest stretch that is a whole number of samples at both rates, and how many of them make the margin.
        self._unit_in, self._unit_out = audio.rate_hz // common, rate_hz // common
        self._margin_units = math.ceil(MARGIN_SECONDS * common)
        self._blocks: OrderedDict[int, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> Tensor:
        """Samples start to stop at the new rate, within the sound: (c t) float32."""
        assert 0 <= start <= stop <= self.samples, f"samples {start} to {stop} of {self.samples}"
        block_samples = BLOCK_SECONDS * self.rate_hz
        stretch = []
        for index in range(start // block_samples, -(-stop // block_samples)):
            first = index * block_samples
            stretch.append(self._block(index)[:, max(start - first, 0) : stop - first])
        return torch.cat(stretch, dim=1) if stretch else torch.zeros(self.channels, 0)

    def _block(self, index: int) -> Tensor:
        with self._lock:
            if index not in self._blocks:
                self._blocks[index] = self._resampled_block(index)
                while len(self._blocks) > KEPT_BLOCKS:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(index)
            return self._blocks[index]

    def _resampled_block(self, index: int) -> Tensor:
        """(c t): ten seconds, or the rest at the end."""
        first = index * BLOCK_SECONDS * self.rate_hz
        length = min(BLOCK_SECONDS * self.rate_hz, self.samples - first)
        if self.rate_hz == self.audio.rate_hz:
            return self.audio.read(first, first + length)
        start = index * BLOCK_SECONDS * self.audio.rate_hz - self._margin_units * self._unit_in
        stop = (index + 1) * BLOCK_SECONDS * self.audio.rate_hz + self._margin_units * self._unit_in
        resampled = self._resample(surrounded_by_silence(self.audio, start, stop), self.audio.rate_hz, self.rate_hz)
        margin = self._margin_units * self._unit_out
        return resampled[:, margin : margin + length].clone()


def surrounded_by_silence(audio: AudioSource | Resampled, start: int, stop: int) -> Tensor:
    """Samples start to stop, (c t), which may lie before and after the sound."""
    first, last = (min(max(position, 0), audio.samples) for position in (start, stop))
    return F.pad(audio.read(first, last), (first - start, stop - last))


def _resample_with_pyav(sound: Tensor, rate_hz: int, new_rate_hz: int) -> Tensor:
    """(c t) → (c t). FFmpeg's resampler with a longer filter; the default one passes 8.4 kHz at −22 dB."""
    import av
    from av.filter import Graph

    layout = {1: "mono", 2: "stereo"}[sound.shape[0]]
    graph = Graph()
    nodes = (
        graph.add_abuffer(sample_rate=rate_hz, format="fltp", layout=layout),
        graph.add("aresample", f"{new_rate_hz}:filter_size=64:cutoff=0.97"),
        graph.add("abuffersink"),
    )
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(sound.contiguous().numpy(), format="fltp", layout=layout)
    frame.sample_rate = rate_hz
    graph.push(frame)
    graph.push(None)
    resampled = []
    while True:
        try:
            resampled.append(torch.from_numpy(graph.pull().to_ndarray()))
        except EOFError:
            return torch.cat(resampled, dim=1)


def _resample_with_soxr(sound: Tensor, rate_hz: int, new_rate_hz: int) -> Tensor:
    """(c t) → (c t). As in the original: librosa's default is soxr's HQ."""
    try:
        import soxr
    except ImportError as error:
        raise MissingDependencyError.of_extra(
            "The resampler 'soxr'", "soxr", "audio", error, "choose the resampler 'pyav'"
        ) from error
    channels = [soxr.resample(channel.numpy(), rate_hz, new_rate_hz, quality="HQ") for channel in sound]
    return torch.stack([torch.from_numpy(channel) for channel in channels])


RESAMPLERS: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "pyav": _resample_with_pyav,
    "soxr": _resample_with_soxr,
}
