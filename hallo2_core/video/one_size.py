"""Whether all frames of a video have one size, seen at its key frames: without decoding the rest."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from ..audio.packets import frames_in
from .container import name_of, opened, origin_of
from .decoding import check_size
from .packet_clock import PacketClock, begin_of
from .source import VideoSource

if TYPE_CHECKING:
    import av

SECONDS_BETWEEN = Fraction(1)  # where key frames follow each other: of some codecs, all frames are such


def check_one_size(source: VideoSource, check_cancelled: Callable[[], None]) -> None:
    """Errors: VideoError that says where the size changes, as it does in some recordings and streams."""
    first: av.VideoFrame | None = None
    looked_at: Fraction | None = None
    was_key = False
    with opened(source) as container:
        stream, origin = container.streams.best("video"), origin_of(source, container)
        clock = PacketClock()
        for packet in container.demux(stream):
            check_cancelled()
            clock.mend(packet)
            at = begin_of(packet)
            is_due = not was_key or looked_at is None or at is None or abs(at - looked_at) >= SECONDS_BETWEEN
            was_key = packet.is_keyframe
            if packet.size and not (was_key and is_due):
                continue
            looked_at = at
            for frame in frames_in(packet) or ():
                first = first or frame
                check_size(frame, first, name_of(source), origin)
