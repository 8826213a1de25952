"""Copies another file's sound into an open container: packets and times unchanged."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ..errors import VideoError
from .packet_clock import PacketClock, begin_of, shift
from .reencoded_sound import ReencodedSound, layout_of, target_rate

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

logger = logging.getLogger("hallo2")

# Codecs that MP4 players support, by libavcodec's decoder names.
COPIED = {"aac", "mp3", "mp3float", "ac3", "eac3", "opus", "libopus", "flac", "alac"}
# PCM is lossless as FLAC.
AS_FLAC = {"pcm_u8": "s16", "pcm_s16le": "s16", "pcm_s16be": "s16", "pcm_s24le": "s32", "pcm_s24be": "s32"}
LOWEST_MP3_RATE_HZ = 16_000  # in MP4
ADTS_BYTES = 7
LEAD_IN_SECONDS = Fraction(1, 10)  # decoder pre-roll before a cut: Opus needs most, 80 ms

# One packet of the source, or None at its end → packets for the target.
Route = Callable[["Packet | None"], "Iterator[Packet]"]


class CopiedSound:
    """All sound streams of `source`, which stays open. What MP4 cannot hold is re-encoded, with a log message.

    origin: the time in `source`, in seconds, that becomes 0. Packets shortly before it get negative times, as pre-roll
    for decoders; the file's edit list hides them, to the sample.
    length: how many seconds are played; the last packet is marked to end there.
    tells: log what is not copied as it is.
    """

    def __init__(
        self,
        container: OutputContainer,
        source: InputContainer,
        origin: Fraction = Fraction(0),
        length: Fraction | None = None,
        tells: bool = False,
    ) -> None:
        self._container, self._origin, self._length = container, origin, length
        streams = _known(source)
        self._routes = {stream.index: _route(container, stream, tells) for stream in streams}
        self._packets = _with_one_clock(source.demux(*streams), tells) if streams else iter(())
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction) -> None:
        """All packets that begin before this time."""
        while self._next is not None and (begin_of(self._next) or self._origin) - self._origin < seconds:
            self.write_next()

    def close(self) -> None:
        """Write the remaining packets."""
        while self.write_next():
            pass

    def write_next(self) -> bool:
        """One packet; False at the end."""
        if self._next is None:
            return False
        packet, self._next = self._next, next(self._packets, None)
        ends_its_stream = not packet.size and packet.dts is None
        shift(packet, -self._origin)
        if ends_its_stream or self._is_needed(packet):
            for routed in self._routes[packet.stream.index](None if ends_its_stream else packet):
                if self._cut_to_length(routed):
                    self._container.mux(routed)
        return True

    def _is_needed(self, packet: Packet) -> bool:
        begins = begin_of(packet)
        if begins is None:
            return True
        ends = begins + (packet.duration or 0) * packet.time_base
        return ends > -LEAD_IN_SECONDS and (self._length is None or begins < self._length)

    def _cut_to_length(self, packet: Packet) -> bool:
        """Whether any part of the packet is played."""
        begins = begin_of(packet)
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


def _with_one_clock(packets: Iterator[Packet], tells: bool) -> Iterator[Packet]:
    """MP4 has no times that go back: not where two recordings were joined, and not by rounding."""
    clocks: dict[int, PacketClock] = defaultdict(PacketClock)
    latest: dict[int, Fraction] = {}
    for packet in packets:
        if packet.size:
            jumped_at = clocks[packet.stream.index].mend(packet)
            if jumped_at is not None and tells:
                logger.warning("The sound's clock jumps at %.2f s; the gap is closed.", float(jumped_at))
            begins = begin_of(packet)
            if begins is not None:
                behind = latest.get(packet.stream.index, begins) - begins
                if behind > 0:
                    shift(packet, behind)
                latest[packet.stream.index] = max(begins, begins + behind)
        yield packet


def _route(container: OutputContainer, stream: AudioStream, tells: bool) -> Route:
    name, rate_hz = stream.codec_context.name, stream.codec_context.sample_rate
    if name in COPIED and not (name.startswith("mp3") and rate_hz < LOWEST_MP3_RATE_HZ):
        return _copied(container, stream)
    if name in AS_FLAC:
        if tells:
            logger.info("MP4 players do not support %s: the sound is converted to FLAC, without loss.", name)
        return _reencoded(container, stream, "flac", AS_FLAC[name], tells)
    if tells:
        logger.warning("MP4 cannot hold %s sound of %d Hz: it is re-encoded as AAC.", name, rate_hz)
    return _reencoded(container, stream, "aac", "fltp", tells)


def _copied(container: OutputContainer, stream: AudioStream) -> Route:
    target = container.add_stream_from_template(stream)
    _keep_language(stream, target)
    first: tuple[int, int] | None = None

    def route(packet: Packet | None) -> Iterator[Packet]:
        nonlocal first
        if packet is None:
            return
        if (found := adts_format(bytes(packet))) is not None:
            first = first or found
            if found != first:
                at = float(begin_of(packet) or 0)
                raise VideoError(
                    f"The video's AAC sound changes its sample rate or channels at {at:.2f} s, which MP4 cannot hold. "
                    f"Convert it first: ffmpeg -i VIDEO -c:v copy -c:a ac3 VIDEO.mkv"
                )
        packet.stream = target
        yield packet

    return route


def adts_format(packet: bytes) -> tuple[int, int] | None:
    """Rate and channels, as numbered in the header that AAC has in broadcasts (ISO 14496-3, 1.A.2); None for others."""
    if len(packet) < ADTS_BYTES or packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return None
    return packet[2] >> 2 & 0xF, (packet[2] & 1) << 2 | packet[3] >> 6


def _reencoded(container: OutputContainer, stream: AudioStream, codec: str, sample_format: str, tells: bool) -> Route:
    given = stream.codec_context
    target = container.add_stream(codec, rate=target_rate(given, codec), layout=layout_of(given))
    _keep_language(stream, target)
    return ReencodedSound(given, target, sample_format, tells)


def _keep_language(source: AudioStream, target: AudioStream) -> None:
    """Players choose among several streams by the viewer's language."""
    if language := source.metadata.get("language"):
        target.metadata["language"] = language
