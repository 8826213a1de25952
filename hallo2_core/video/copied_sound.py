"""Another file's sound into an open container: every packet as it is, at its own time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ..errors import VideoError
from .sound import aac_rate

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

logger = logging.getLogger("hallo2")

# What players of MP4 know, by libavcodec's names of its decoders.
COPIED = {"aac", "mp3", "mp3float", "ac3", "eac3", "opus", "libopus", "flac", "alac"}
# Plain samples lose nothing as FLAC.
AS_FLAC = {"pcm_u8": "s16", "pcm_s16le": "s16", "pcm_s16be": "s16", "pcm_s24le": "s32", "pcm_s24be": "s32"}
AAC_BITS_PER_SECOND = 160_000  # for each channel

# One packet of the source, or None at its end → packets for the target.
Route = Callable[["Packet | None"], "Iterator[Packet]"]


class CopiedSound:
    """All sound streams of `source`, which stays open. What MP4 cannot hold is encoded anew, and the log says so.

    origin: the time in `source`, in seconds, that becomes 0.
    """

    def __init__(self, container: OutputContainer, source: InputContainer, origin: Fraction = Fraction(0)) -> None:
        self._container, self._origin = container, origin
        self._routes = {stream.index: _route(container, stream) for stream in source.streams.audio}
        self._packets = source.demux(*source.streams.audio) if self._routes else iter(())
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction) -> None:
        """All packets that begin before this time."""
        while self._next is not None and (_begins(self._next) is None or _begins(self._next) - self._origin < seconds):
            self._write_next()

    def close(self) -> None:
        """What is left."""
        while self._next is not None:
            self._write_next()

    def _write_next(self) -> None:
        packet, self._next = self._next, next(self._packets, None)
        ends_its_stream = not packet.size
        _shift(packet, -self._origin)
        for routed in self._routes[packet.stream.index](None if ends_its_stream else packet):
            self._container.mux(routed)


def sound_rates(source: InputContainer) -> list[int]:
    """Of all sound streams. Errors: a VideoError where one can be neither copied nor decoded."""
    for stream in source.streams.audio:
        if not stream.codec_context.sample_rate:
            raise VideoError("The video's sound is damaged: it has no sample rate. Remove it, or repair the file.")
    return [stream.codec_context.sample_rate for stream in source.streams.audio]


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
        logger.info("MP4 players do not know %s: the sound goes into the video as FLAC, without loss.", name)
        return _encoded(container, stream, "flac", AS_FLAC[name])
    logger.warning("MP4 cannot hold sound as %s: it is encoded anew, as AAC.", name)
    return _encoded(container, stream, "aac", "fltp")


def _copied(container: OutputContainer, stream: AudioStream) -> Route:
    target = container.add_stream_from_template(stream)

    def route(packet: Packet | None) -> Iterator[Packet]:
        if packet is not None:
            packet.stream = target
            yield packet

    return route


def _encoded(container: OutputContainer, stream: AudioStream, codec: str, sample_format: str) -> Route:
    given = stream.codec_context
    rate = aac_rate(given.sample_rate) if codec == "aac" else given.sample_rate
    target = container.add_stream(codec, rate=rate, layout=given.layout)
    target.codec_context.format = sample_format
    if codec == "aac":
        target.codec_context.bit_rate = AAC_BITS_PER_SECOND * given.channels
    resampler = av.AudioResampler(sample_format, given.layout, rate)

    def route(packet: Packet | None) -> Iterator[Packet]:
        for decoded in given.decode(packet):
            for frame in resampler.resample(decoded):
                yield from target.encode(frame)
        if packet is None:
            for frame in resampler.resample(None):
                yield from target.encode(frame)
            yield from target.encode(None)

    return route
