"""Decoded frames of a stream, on one clock: damaged parts are skipped, and interlaced frames become whole ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ..audio.packets import frames_in
from ..errors import VideoError
from .damage import Damage
from .missing_pictures import MissingPictures
from .packet_clock import LONGEST_GAP_SECONDS, PacketClock

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger("hallo2")

# One frame for each frame; only those that are marked as interlaced change.
DEINTERLACER = "bwdif", "mode=send_frame:deint=interlaced"


def decoded(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[av.VideoFrame]:
    """Frames in display order, from where the container is. damage: receives what cannot be decoded.

    Errors: VideoError where the frames change their size.
    """
    return _deinterlaced(_of_one_size(_readable(container, stream, damage), damage), damage.name)


def first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded, as it is stored. Logs nothing."""
    return next((frames[0] for packet in container.demux(stream) if (frames := frames_in(packet))), None)


def check_size(frame: av.VideoFrame, first: av.VideoFrame, name: str, origin: Fraction) -> None:
    """origin: of the video, in seconds. Errors: VideoError if the frame is not as large as the first one."""
    if (frame.width, frame.height) != (first.width, first.height):
        at = "partway through" if frame.time is None else f"at {frame.time - float(origin):.2f} s"
        raise VideoError(
            f"{name} changes its size from {first.width}x{first.height} to {frame.width}x{frame.height} px {at}. Save "
            f"it in one size first."
        )


def _readable(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[av.VideoFrame]:
    """As players do: frames that the decoder had to conceal are shown; packets that it cannot read, and frames that it
    gives out too late, after a damaged packet, are left out."""
    clock, missing = PacketClock(), MissingPictures(stream, damage)
    now: Fraction | None = None  # when the packet is decoded, in seconds
    for packet in container.demux(stream):
        if not packet.size and packet.dts is not None:  # the frame before it is shown on
            continue
        clock.mend(packet)
        now = now if packet.dts is None else packet.dts * packet.time_base
        is_expected = missing.expect(packet)
        frames = frames_in(packet)
        if frames is None:
            missing.has_failed = True
            if not is_expected:
                damage.add(None if packet.pts is None else packet.pts * packet.time_base)
        for frame in frames or ():
            if frame.pts is not None and now is not None and frame.pts * frame.time_base > now + LONGEST_GAP_SECONDS:
                frame.pts = None  # a wrong time: it follows the frame before
            at = None if frame.pts is None else frame.pts * frame.time_base
            missing.came(frame)
            is_late = missing.is_late(frame)
            if frame.is_corrupt or is_late:
                damage.add(at)
            if not is_late:
                yield frame
    missing.end()


def _of_one_size(frames: Iterator[av.VideoFrame], damage: Damage) -> Iterator[av.VideoFrame]:
    first = None
    for frame in frames:
        first = first or frame
        check_size(frame, first, damage.name, damage.origin)
        yield frame


def _deinterlaced(frames: Iterator[av.VideoFrame], name: str) -> Iterator[av.VideoFrame]:
    """From the first interlaced frame on, all frames go through libavfilter."""
    graph = None
    for frame in frames:
        if graph is None and frame.interlaced_frame:
            logger.warning("%s is interlaced: its frames are deinterlaced, at the same frame rate.", name)
            graph = _deinterlacer(frame)
        if graph is None:
            yield frame
            continue
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _deinterlacer(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    same_clock = graph.add("settb", f"expr={frame.time_base.numerator}/{frame.time_base.denominator}")
    graph.link_nodes(source, graph.add(*DEINTERLACER), same_clock, graph.add("buffersink")).configure()
    return graph


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):  # it needs more frames, or is finished
            return
