"""Encodes a sound as one AAC stream, block by block; it is resampled only if AAC lacks its rate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import av
from einops import rearrange

from ..errors import VideoError

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

    from ..audio.waveform import AudioSource

logger = logging.getLogger("hallo2")

AAC_RATES_HZ = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
# AAC's layout by number of channels; ComfyUI's `AUDIO` gives only the number.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
BITS_PER_SECOND = 160_000  # per channel: audibly transparent
MOST_BITS_PER_SAMPLE = 6  # AAC's own limit: 6144 bits for 1024 samples
BLOCK_SAMPLES = 16_384
# swresample's filter, longer and steeper than its default, so that nothing audible is lost or aliased.
RESAMPLER = "filter_size=64:cutoff=0.97"


def aac_rate(rate_hz: int) -> int:
    """The rate itself if AAC has it, else the next higher one, else the highest."""
    return next((rate for rate in AAC_RATES_HZ if rate >= rate_hz), AAC_RATES_HZ[-1])


class SoundEncoder:
    """One AAC stream of an open container. Its first sample is at time 0: the encoder's delay of 1024 samples gets
    negative times, which the file's edit list hides."""

    def __init__(self, container: OutputContainer, source: AudioSource) -> None:
        if source.channels not in LAYOUTS:
            raise VideoError(
                f"The sound has {source.channels} channels; AAC holds 1 to {max(LAYOUTS)}. Mix it down first."
            )
        self.rate_hz = aac_rate(source.rate_hz)
        self.samples = ceil(source.samples * self.rate_hz / Fraction(source.rate_hz))
        if self.rate_hz != source.rate_hz:
            logger.info(
                "AAC has no rate of %d Hz: the video's sound is resampled to %d Hz.", source.rate_hz, self.rate_hz
            )
        self._container = container
        self._source = source
        self._layout = LAYOUTS[source.channels]
        self.stream = container.add_stream("aac", rate=self.rate_hz, layout=self._layout)
        self.stream.codec_context.bit_rate = source.channels * min(BITS_PER_SECOND, MOST_BITS_PER_SAMPLE * self.rate_hz)
        self._graph = self._conversion()
        self._read_samples = self._converted_samples = 0

    def write_until(self, seconds: Fraction) -> None:
        """Encode the sound up to this time, rounded up to whole blocks."""
        for packet in self.packets_until(seconds):
            self._container.mux(packet)

    def close(self) -> None:
        """Encode the rest of the sound, to its last sample."""
        self.write_until(Fraction(self._source.samples, self._source.rate_hz))
        self._graph.push(None)
        for packet in (*self._encoded(), *self.stream.encode(None)):
            self._container.mux(packet)

    def packets_until(self, seconds: Fraction) -> Iterator[Packet]:
        """The next packets, instead of writing them."""
        end = min(self._source.samples, ceil(seconds * self._source.rate_hz))
        while self._read_samples < end:
            start, stop = self._read_samples, min(self._read_samples + BLOCK_SAMPLES, self._source.samples)
            block = rearrange(self._source.read(start, stop), "c t -> 1 (t c)").cpu().numpy()
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=self._layout)
            frame.sample_rate, frame.pts = self._source.rate_hz, start
            frame.time_base = Fraction(1, self._source.rate_hz)
            self._graph.push(frame)
            self._read_samples = stop
            yield from self._encoded()

    def _conversion(self) -> av.filter.Graph:
        """Resample, then cut or pad to exactly `samples`: the resampler may retain a few at the end."""
        graph = av.filter.Graph()
        rate = self._source.rate_hz
        chain = [
            graph.add(
                "abuffer", sample_rate=str(rate), sample_fmt="flt", channel_layout=self._layout, time_base=f"1/{rate}"
            ),
            graph.add("aresample", f"{self.rate_hz}:{RESAMPLER}"),
            graph.add("apad", f"whole_len={self.samples}"),
            graph.add("atrim", f"end_sample={self.samples}"),
            graph.add("aformat", f"sample_fmts=fltp:channel_layouts={self._layout}"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*chain).configure()
        return graph

    def _converted(self) -> Iterator[av.AudioFrame]:
        while True:
            try:
                yield self._graph.pull()
            except (av.BlockingIOError, av.EOFError):  # it needs more input, or is finished
                return

    def _encoded(self) -> Iterator[Packet]:
        for frame in self._converted():
            frame.pts, frame.time_base = self._converted_samples, Fraction(1, self.rate_hz)
            self._converted_samples += frame.samples
            yield from self.stream.encode(frame)
