"""Packets whose picture never comes: some decoders drop what they cannot read, or what depends on it, silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .damage import Damage

if TYPE_CHECKING:
    import av
    from av.packet import Packet
    from av.video.stream import VideoStream

# Codecs of which each packet holds exactly one picture that is shown.
ONE_PICTURE_A_PACKET = {"av1", "h264", "hevc", "vp9"}
LATEST_SECONDS = 2  # decoders with many threads give out frames this late, at most


class MissingPictures:
    """Matches packets and frames by their times. Without an error, those before the first frame are not missing: a
    recording may begin between key frames."""

    def __init__(self, stream: VideoStream, damage: Damage) -> None:
        self._damage = damage
        self._time_base = stream.time_base
        self._is_counting = stream.codec_context.codec.canonical_name in ONE_PICTURE_A_PACKET
        self._expected: dict[int, None] = {}  # times of packets, in the order they came
        self._first: int | None = None  # times of frames
        self._latest: int | None = None
        self.has_failed = False  # the decoder, at any packet

    def expect(self, packet: Packet) -> bool:
        """Whether its picture will be missed. Decoders with threads report an error with a later packet."""
        is_expected = self._is_counting and packet.size > 0 and packet.pts is not None and not packet.is_discard
        if is_expected:
            self._expected[packet.pts] = None
        return is_expected

    def came(self, frame: av.VideoFrame) -> None:
        if frame.interlaced_frame:  # each of its two fields may be a packet
            self._is_counting = False
            self._expected.clear()
        if frame.pts is None:
            return
        self._first = frame.pts if self._first is None else self._first
        self._latest = frame.pts if self._latest is None else max(self._latest, frame.pts)
        self._expected.pop(frame.pts, None)
        while self._expected and next(iter(self._expected)) < frame.pts - LATEST_SECONDS / self._time_base:
            self._report(next(iter(self._expected)))

    def is_late(self, frame: av.VideoFrame) -> bool:
        """Whether later frames were shown before it, and others in between are missing. Files whose times are merely
        out of order, such as AVI with B-frames, miss none."""
        if frame.pts is None or self._latest is None:
            return False
        if self._latest - frame.pts > LATEST_SECONDS / self._time_base:  # rather, that one's time was wrong
            return False
        return any(frame.pts < time < self._latest for time in self._expected)

    def end(self) -> None:
        """All frames have come."""
        for time in sorted(self._expected):
            self._report(time)

    def _report(self, time: int) -> None:
        del self._expected[time]
        if self.has_failed or (self._first is not None and time > self._first):
            self._damage.add(time * self._time_base)
