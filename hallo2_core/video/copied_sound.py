"""Copies another file's sound into an open container: packets and times unchanged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ..errors import VideoError
from .frame_times import LONGEST_GAP_SECONDS
from .sound import LAYOUTS, aac_rate

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

logger = logging.getLogger("hallo2")

# Codecs that MP4 players support, by libavcodec's decoder names.
COPIED = {"aac", "mp3", "mp3float", "ac3", "eac3", "opus", "libopus", "flac", "alac"}
# PCM is lossless as FLAC.
AS_FLAC = {"pcm_u8": "s16", "pcm_s16le": "s16", "pcm_s16be": "s16", "pcm_s24le": "s32", "pcm_s24be": "s32"}
AAC_BITS_PER_SECOND = 160_000  # per channel
LEAD_IN_SECONDS = Fraction(1, 10)  # decoder pre-roll before a cut: Opus needs most, 80 ms

# One packet of the source, or None at its end → packets for the target.
Route = Callable[["Packet | None"], "Iterator[Packet]"]


class CopiedSound:
    """All sound streams of `source`, which stays open. What MP4 cannot hold is re-encoded, with a log message.

    origin: the time in `source`, in seconds, that becomes 0. Packets shortly before it get negative times, as pre-roll
    for decoders; the file's edit list hides them, to the sample.
    length: how many seconds are played; the last packet is marked to end there.
    """

    def __init__(
        self,
        container: OutputContainer,
        source: InputContainer,
        origin: Fraction = Fraction(0),
        length: Fraction | None = None,
    ) -> None:
        self._container, self._origin, self._length = container, origin, length
        streams = _known(source)
        self._routes = {stream.index: _route(container, stream) for stream in streams}
        self._packets = _with_one_clock(source.demux(*streams)) if streams else iter(())
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction) -> None:
        """All packets that begin before this time."""
        while self._next is not None and (_begins(self._next) is None or _begins(self._next) - self._origin < seconds):
            self._write_next()

    def close(self) -> None:
        """Write the remaining packets."""
        while self._next is not None:
            self._write_next()

    def _write_next(self) -> None:
        packet, self._next = self._next, next(self._packets, None)
        ends_its_stream = not packet.size
        _shift(packet, -self._origin)
        if ends_its_stream or self._is_needed(packet):
            for routed in self._routes[packet.stream.index](None if ends_its_stream else packet):
                if self._cut_to_length(routed):
                    self._container.mux(routed)

    def _is_needed(self, packet: Packet) -> bool:
        begins = _begins(packet)
        if begins is None:
            return True
        ends = begins + (packet.duration or 0) * packet.time_base
        return ends > -LEAD_IN_SECONDS and (self._length is None or begins < self._length)

    def _cut_to_length(self, packet: Packet) -> bool:
        """Whether any part of the packet is played."""
        begins = _begins(packet)
        if self._length is None or begins is None:
            return True
        packet.duration = min(packet.duration or 0, max(round((self._length - begins) / packet.time_base), 0))
        return begins < self._length


def sound_rates(source: InputContainer) -> list[int]:
    """Of all sound streams. Errors: VideoError if one can be neither copied nor decoded."""
    for stream in _known(source):
        if not stream.codec_context.sample_rate:
            raise VideoError("The video's sound is damaged: it has no sample rate. Remove it, or repair the file.")
    return [stream.codec_context.sample_rate for stream in _known(source)]


def _known(source: InputContainer) -> list[AudioStream]:
    """Phones add proprietary audio streams, for which PyAV has no codec name."""
    known = [stream for stream in source.streams.audio if stream.codec_context is not None]
    if len(known) < len(source.streams.audio):
        logger.warning("PyAV %s does not support one of the video's sound streams: it is left out.", av.__version__)
    return known


def _with_one_clock(packets: Iterator[Packet]) -> Iterator[Packet]:
    """After a jump of a stream's clock, as where two recordings were joined, its time goes on where it was: MP4 has no
    times that go back."""
    begun: dict[int, Fraction] = {}
    ends: dict[int, Fraction] = {}
    jumps: dict[int, Fraction] = {}
    for packet in packets:
        stream, begins = packet.stream.index, _begins(packet)
        if packet.size and begins is not None:
            begins += jumps.get(stream, 0)
            if stream in ends and not begun[stream] < begins < ends[stream] + LONGEST_GAP_SECONDS:
                logger.warning("The sound's clock jumps at %.2f s; the gap is closed.", float(ends[stream]))
                jumps[stream] = jumps.get(stream, Fraction(0)) + ends[stream] - begins
                begins = ends[stream]
            _shift(packet, jumps.get(stream, Fraction(0)))
            begun[stream] = begins
            ends[stream] = begins + max(packet.duration or 0, 1) * packet.time_base
        yield packet


def _begins(packet: Packet) -> Fraction | None:
    time = packet.dts if packet.dts is not None else packet.pts
    return None if time is None else time * packet.time_base


def _shift(packet: Packet, seconds: Fraction) -> None:
    ticks = round(seconds / packet.time_base) if packet.time_base else 0
    if ticks:
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


def _route(container: OutputContainer, stream: AudioStream) -> Route:
    name = stream.codec_context.name
    if name in COPIED:
        return _copied(container, stream)
    if name in AS_FLAC:
        logger.info("MP4 players do not support %s: the sound is converted to FLAC, without loss.", name)
        return _encoded(container, stream, "flac", AS_FLAC[name])
    logger.warning("MP4 cannot hold %s sound: it is re-encoded as AAC.", name)
    return _encoded(container, stream, "aac", "fltp")


def _copied(container: OutputContainer, stream: AudioStream) -> Route:
    target = container.add_stream_from_template(stream)
    _keep_language(stream, target)

    def route(packet: Packet | None) -> Iterator[Packet]:
        if packet is not None:
            packet.stream = target
            yield packet

    return route


def _encoded(container: OutputContainer, stream: AudioStream, codec: str, sample_format: str) -> Route:
    given = stream.codec_context
    rate = aac_rate(given.sample_rate) if codec == "aac" else given.sample_rate
    is_named = given.layout.name in LAYOUTS.values()  # some files give only the number of channels
    layout = given.layout.name if is_named else LAYOUTS.get(given.channels, given.layout.name)
    target = container.add_stream(codec, rate=rate, layout=layout)
    _keep_language(stream, target)
    target.codec_context.format = sample_format
    if codec == "aac":
        target.codec_context.bit_rate = AAC_BITS_PER_SECOND * given.channels
    resampler = av.AudioResampler(sample_format, layout, rate)

    def route(packet: Packet | None) -> Iterator[Packet]:
        for decoded in given.decode(packet):
            for frame in resampler.resample(decoded):
                yield from target.encode(frame)
        if packet is None:
            for frame in resampler.resample(None):
                yield from target.encode(frame)
            yield from target.encode(None)

    return route


def _keep_language(source: AudioStream, target: AudioStream) -> None:
    """Players choose among several streams by the viewer's language."""
    if language := source.metadata.get("language"):
        target.metadata["language"] = language
