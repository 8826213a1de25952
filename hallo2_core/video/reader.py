"""Reads a video file frame by frame, and its properties without decoding."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import av
from torch import Tensor

from ..config import RELEASED_FPS
from ..errors import VideoError
from .container import name_of, opened_video, origin_of
from .damage import Damage
from .decoding import decoded, first_frame
from .frame_times import FrameTimes
from .orientation import Orientation, orientation_of
from .rgb import rgb_of
from .riff import is_whole_avi
from .source import TrimmedVideo, VideoFile, VideoSource, length_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger("hallo2")

MATROSKA, AVI = "matroska,webm", "avi"  # libavformat's names
INDEXED_FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", MATROSKA)  # with an index of key frames
END_TOLERANCE_FRAMES = Fraction(3, 2)
USUAL_FPS, FASTEST_FPS = Fraction(RELEASED_FPS), 1000
HDR_TRANSFERS = (16, 18)  # PQ and HLG, as numbered by H.273


@dataclass(frozen=True)
class VideoInfo:
    """The properties that the file declares. width and height: of the upright picture, with square pixels."""

    width: int
    height: int
    fps: Fraction
    frames: int | None  # None if the container has no count, and for a part of a file
    seconds: float | None
    orientation: Orientation  # how `read_frames` turns and mirrors the stored picture
    codec: str
    pixel_format: str
    has_audio: bool

    @property
    def nominal_fps(self) -> Fraction:
        """The frame rate, or 25 if the file has none (it may hold one picture), or an impossible one."""
        return self.fps if 0 < self.fps <= FASTEST_FPS else USUAL_FPS

    @property
    def expected_frames(self) -> int:
        """Approximate number of frames; 0 if unknown."""
        return self.frames or round(self.fps * Fraction(self.seconds or 0))


def probe(source: VideoSource) -> VideoInfo:
    """Errors: VideoError if `source` (a path, or a file open for reading) is no video."""
    with opened_video(source) as (container, stream):
        context = stream.codec_context
        orientation = _orientation(container, stream, source)
        width, height = orientation.size(max(round(context.width * _pixel_aspect(stream)), 1), context.height)
        seconds = None
        if stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / av.time_base
        if isinstance(source, TrimmedVideo) and seconds is not None:
            seconds = _seconds_of(source, seconds)
        return VideoInfo(
            width=width,
            height=height,
            fps=Fraction(stream.average_rate or stream.guessed_rate or 0),
            frames=None if isinstance(source, TrimmedVideo) else stream.frames or None,
            seconds=seconds,
            orientation=orientation,
            codec=context.codec.canonical_name,
            pixel_format=context.pix_fmt or "",
            has_audio=bool(container.streams.audio),
        )


def read_frames(
    source: VideoSource, start: int = 0, times: FrameTimes | None = None, damage: Damage | None = None
) -> Iterator[Tensor]:
    """Yield every frame upright, (h w 3) uint8 RGB, in display order; deep color is rounded to 8 bits, and
    non-square pixels (DVDs, camcorders) become square.

    start: earlier frames are decoded, as later ones depend on them, but not converted.
    times: receives the time of every frame, also of those before `start`, counted from the source's beginning.
    damage: receives what cannot be decoded, which the log says too.

    Errors: VideoError, at once if `source` is no video, else at the first frame that cannot be decoded.
    """
    done = 0
    damage = damage or Damage()
    with opened_video(source) as (container, stream):
        stream.thread_type = "AUTO"
        damage.name, damage.origin = name_of(source), origin_of(source, container)
        origin = round(damage.origin / stream.time_base)
        pixel_aspect = _pixel_aspect(stream)
        if stream.codec_context.color_trc in HDR_TRANSFERS:
            logger.warning("%s is HDR: its colors will look dull. Convert it to SDR (BT.709) first.", name_of(source))
        if times is not None:
            times.time_base = stream.time_base
            if stream.average_rate:  # until the real value is found
                times.last = max(round(1 / (stream.average_rate * stream.time_base)), 1)
        for frame in _decoded(source, container, stream, damage):
            if times is not None:
                tick = None if frame.pts is None else frame.pts - origin
                times.add(tick, getattr(frame, "duration", 0))  # older PyAV does not report it
            if done >= start:
                yield orientation_of(frame, name_of(source)).upright(rgb_of(frame, pixel_aspect))
            done += 1
        if not done:
            raise _no_frame(source)
        if isinstance(source, TrimmedVideo):
            if times is not None and source.length is not None:
                times.end_by(source.length)
            damage.end()
        else:
            damage.end(_cut_off(source, container, stream, frame, done))


def check_undamaged(source: VideoSource) -> None:
    """Decode all of it. Errors: VideoError that says where frames are damaged or missing."""
    damage = Damage()
    for _ in read_frames(source, start=sys.maxsize, damage=damage):  # converts none
        pass
    damage.check()


def _decoded(
    source: VideoSource, container: InputContainer, stream: VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    """The source's frames in display order. The first frame of a part is shown from the part's start."""
    if not isinstance(source, TrimmedVideo):
        yield from decoded(container, stream, damage)
        return
    origin, length = origin_of(source, container), length_of(source)
    first = ceil(origin / stream.time_base)
    end = None if length is None else ceil((origin + length) / stream.time_base)
    is_first, seen = True, FrameTimes(stream.time_base)
    for frame in _from_key_frame(container, stream, first, damage):
        seen.add(frame.pts, getattr(frame, "duration", 0))
        frame.pts = seen.ticks[-1]
        if end is not None and frame.pts >= end:
            return
        if frame.pts >= first:
            if is_first and len(seen.ticks) > 1:
                frame.pts = first
            is_first = False
            yield frame


def _from_key_frame(
    container: InputContainer, stream: VideoStream, tick: int, damage: Damage
) -> Iterator[av.VideoFrame]:
    """Starts at the last key frame up to `tick`, or, in files without an index of key frames, at the beginning."""
    if container.format.name in INDEXED_FORMATS:
        container.seek(tick, stream=stream)
        frames = decoded(container, stream, damage)
        frame = next(frames, None)
        if frame is not None and frame.pts is not None and frame.pts <= tick:
            yield frame
            yield from frames
            return
        container.seek(0)
    yield from decoded(container, stream, damage)


def _seconds_of(source: TrimmedVideo, whole: float) -> float:
    left = whole - float(source.start)
    if left <= 0:
        raise VideoError(f"{name_of(source)} lasts {whole:g} s; it has no frames {source.words}. Change the trim.")
    return left if source.length is None else min(left, float(source.length))


def _cut_off(file: VideoFile, container: InputContainer, stream: VideoStream, last: av.VideoFrame, frames: int) -> str:
    """How the video ends too early, or nothing. Counts alone do not tell: an edit list hides frames, and damaged ones
    are left out."""
    end, counted = _declared_end(container, stream), f" of {stream.frames}" if stream.frames else ""
    if frames >= stream.frames if stream.frames else end is None:
        return ""
    if last.pts is not None and end is not None:
        lasts = 0 if stream.frames else getattr(last, "duration", 0)  # older PyAV does not report it
        missing = end - (last.pts + lasts) * stream.time_base
        if missing <= END_TOLERANCE_FRAMES / (stream.average_rate or USUAL_FPS):
            return ""
    if container.format.name == AVI and isinstance(file, str | Path) and is_whole_avi(Path(file)):
        return ""
    return f"ends after {frames}{counted} frames"


def _declared_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Where the container says that the video ends, in seconds. Matroska says it of each stream in a tag."""
    if stream.frames:
        start = (stream.start_time or 0) * stream.time_base
        return None if container.duration is None else start + Fraction(container.duration, av.time_base)
    if container.format.name != MATROSKA:
        return None
    match = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return match and sum(Fraction(part) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True))


def _no_frame(source: VideoSource) -> VideoError:
    where = f" {source.words}" if isinstance(source, TrimmedVideo) else ""
    return VideoError(f"{name_of(source)} has no complete frame{where}. Choose another video.")


def _orientation(container: InputContainer, stream: VideoStream, source: VideoSource) -> Orientation:
    """Every PyAV has the display matrix on the first frame; older ones do not have it on the stream."""
    frame = first_frame(container, stream)
    if frame is None:
        raise _no_frame(source)
    return orientation_of(frame, name_of(source))


def _pixel_aspect(stream: VideoStream) -> Fraction:
    """Width over height of a stored pixel as displayed."""
    return stream.sample_aspect_ratio or Fraction(1)
