"""Sound that MP4 cannot hold, decoded and encoded anew."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ..audio.packets import frames_in
from .packet_clock import begin_of
from .sound import LAYOUTS, aac_rate

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.packet import Packet

logger = logging.getLogger("hallo2")

AAC_BITS_PER_SECOND = 160_000  # per channel


class ReencodedSound:
    """One packet of the source, or None at its end → packets for `target`. What cannot be decoded is left out, and the
    format may change, as it does in broadcasts between mono, stereo and surround.

    target: a new stream of `codec`, whose format is set here. tells: log where the sound is damaged.
    """

    def __init__(self, given: AudioCodecContext, target: AudioStream, sample_format: str, tells: bool) -> None:
        self._given, self._target, self._tells = given, target, tells
        self._format = sample_format, layout_of(given), target.codec_context.sample_rate
        target.codec_context.format = sample_format
        if target.codec_context.name == "aac":
            target.codec_context.bit_rate = AAC_BITS_PER_SECOND * given.channels
        self._resampler: av.AudioResampler | None = None
        self._found: tuple[str, str, int] | None = None  # the decoded sound's format
        self._ends: Fraction | None = None  # the last frame, in seconds
        self._damaged = 0  # packets

    def __call__(self, packet: Packet | None) -> Iterator[Packet]:
        for frame in self._decoded(packet):
            self._keep_order(frame)
            found = frame.format.name, frame.layout.name, frame.sample_rate
            if found != self._found:  # a resampler takes only one
                yield from self._flushed()
                self._resampler, self._found = av.AudioResampler(*self._format), found
            for resampled in self._resampler.resample(frame):
                yield from self._target.encode(resampled)
        if packet is None:
            yield from self._flushed()
            yield from self._target.encode(None)

    def _decoded(self, packet: Packet | None) -> list[av.AudioFrame]:
        if packet is None:
            if self._damaged > 1 and self._tells:
                logger.warning("%d packets of the sound are damaged.", self._damaged)
            return self._given.decode(None)
        frames = frames_in(packet)
        if frames is None:
            self._damaged += 1
            if self._damaged == 1 and self._tells:
                at = max(float(begin_of(packet) or 0), 0.0)
                logger.warning("The sound is damaged at %.2f s: what cannot be decoded is left out.", at)
        return frames or []

    def _keep_order(self, frame: av.AudioFrame) -> None:
        """After a damaged packet, decoders may give several frames one time: the encoder needs them in turn."""
        if frame.pts is None:
            return
        begins, lasts = frame.pts * frame.time_base, Fraction(frame.samples, frame.sample_rate)
        if self._ends is not None and begins < self._ends - lasts / 2:
            begins = self._ends
            frame.pts = round(begins / frame.time_base)
        self._ends = begins + lasts

    def _flushed(self) -> Iterator[Packet]:
        if self._resampler is not None:
            for resampled in self._resampler.resample(None):
                yield from self._target.encode(resampled)


def target_rate(given: AudioCodecContext, codec: str) -> int:
    return aac_rate(given.sample_rate) if codec == "aac" else given.sample_rate


def layout_of(given: AudioCodecContext) -> str:
    """Some files give only the number of channels."""
    is_named = given.layout.name in LAYOUTS.values()
    return given.layout.name if is_named else LAYOUTS.get(given.channels, given.layout.name)
