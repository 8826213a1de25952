"""Decoded frames of a stream: damaged parts are skipped, and interlaced frames become whole ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import av

from .damage import Damage

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger("hallo2")

# One frame for each frame; only those that are marked as interlaced change.
DEINTERLACER = "bwdif", "mode=send_frame:deint=interlaced"


def decoded(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[av.VideoFrame]:
    """Frames in display order, from where the container is. damage: receives what cannot be decoded."""
    return _deinterlaced(_readable(container, stream, damage), damage.name)


def first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    """The first frame that can be decoded, as it is stored. Logs nothing."""
    for packet in container.demux(stream):
        with suppress(av.InvalidDataError):
            if frames := packet.decode():
                return frames[0]
    return None


def _readable(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[av.VideoFrame]:
    """As players do: frames that the decoder had to conceal are shown, packets that it cannot read are left out."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            damage.add(None if packet.pts is None else packet.pts * packet.time_base)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage.add(None if frame.pts is None else frame.pts * frame.time_base)
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
