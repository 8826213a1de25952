"""A video file as frames, one at a time; and what can be said of it without decoding."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING

import av
import torch
from torch import Tensor

from ..errors import VideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from .frame_times import FrameTimes

logger = logging.getLogger("hallo2")

VideoSource = Path | str | IO[bytes]

# Sizes from which untagged video is taken for BT.709, as players do.
HD_HEIGHT_PX = 720
# Matrix coefficients as files tag them (ITU-T H.273); libswscale counts the same way.
BT709, BT601 = 1, 6
KNOWN_MATRICES = (BT709, 4, 5, BT601, 7, 9, 10)
LIMITED_RANGE, FULL_RANGE = 1, 2
# The conversion without libswscale's shortcuts, which are off by several levels.
EXACT = (
    0x4  # SWS_BICUBIC
    | 0x2000  # SWS_FULL_CHR_H_INT
    | 0x4000  # SWS_FULL_CHR_H_INP
    | 0x40000  # SWS_ACCURATE_RND
    | 0x80000  # SWS_BITEXACT
)


@dataclass(frozen=True)
class VideoInfo:
    """What the file says of itself. width and height are those of the upright picture."""

    width: int
    height: int
    fps: Fraction
    frames: int | None  # None where the container does not count them
    seconds: float | None
    rotation: int  # degrees counter-clockwise that `read_frames` turns the stored picture by: 0, 90, 180 or 270
    codec: str
    pixel_format: str
    has_audio: bool


def probe(source: VideoSource) -> VideoInfo:
    """Errors: a VideoError where `source` (a path, or a file open for reading) is no video."""
    with _opened(source) as (container, stream):
        context = stream.codec_context
        rotation = _rotation(container, stream, source)
        width, height = context.width, context.height
        if rotation in (90, 270):
            width, height = height, width
        seconds = None
        if stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / av.time_base
        return VideoInfo(
            width=width,
            height=height,
            fps=Fraction(stream.average_rate or stream.guessed_rate or 0),
            frames=stream.frames or None,
            seconds=seconds,
            rotation=rotation,
            codec=context.codec.canonical_name,
            pixel_format=context.pix_fmt or "",
            has_audio=bool(container.streams.audio),
        )


def read_frames(source: VideoSource, start: int = 0, times: FrameTimes | None = None) -> Iterator[Tensor]:
    """Yield every frame upright, (h w 3) uint8 RGB, in the order they are shown; deep colour is rounded to 8 bits.

    start: frames before it are decoded, or the others would not be the same, but not converted.
    times: gets the time of every frame, of those before `start` too, and their time base.

    Errors: a VideoError, at once where `source` is no video, else at the first frame that cannot be decoded.
    """
    done = 0
    with _opened(source) as (container, stream):
        stream.thread_type = "AUTO"
        if times is not None:
            times.time_base = stream.time_base
        for frame in container.decode(stream):
            if times is not None:
                times.add(frame.pts, getattr(frame, "duration", 0))  # older PyAV does not tell
            if done >= start:
                yield _upright_rgb(frame)
            done += 1
        if not done:
            raise _no_frame(source)
        if done < stream.frames:
            logger.warning("%s ends after %d of %d frames: it is cut off.", _name(source), done, stream.frames)


@contextmanager
def opened(source: VideoSource) -> Iterator[InputContainer]:
    """The file itself, for who wants more of it than its frames. Errors as of `probe`."""
    with _opened(source) as (container, _stream):
        yield container


@contextmanager
def _opened(source: VideoSource) -> Iterator[tuple[InputContainer, VideoStream]]:
    name = _name(source)
    if isinstance(source, str | Path):
        if not Path(source).is_file():
            raise VideoError(f"There is no video {source}. Check its name and folder.")
        source = str(source)
    else:
        source.seek(0)
    try:
        with av.open(source) as container:
            if not container.streams.video:
                raise VideoError(f"{name} holds no pictures. Choose a video.")
            stream = container.streams.video[0]
            if not stream.codec_context.width:
                raise VideoError(f"{name} is damaged: its video stream has no size. Choose another video.")
            yield container, stream
    except av.FFmpegError as error:
        raise VideoError(
            f"{name} cannot be read as a video: {error.strerror}. It is damaged, cut off, or something else."
        ) from error


def _name(source: VideoSource) -> str:
    return Path(source).name if isinstance(source, str | Path) else "The video"


def _no_frame(source: VideoSource) -> VideoError:
    return VideoError(f"{_name(source)} holds not a single whole frame. Choose another video.")


def _rotation(container: InputContainer, stream: VideoStream, source: VideoSource) -> int:
    """The display matrix comes with the first frame in every PyAV; older ones do not show it on the stream."""
    frame = next(container.decode(stream), None)
    if frame is None:
        raise _no_frame(source)
    return round(frame.rotation) % 360


def _upright_rgb(frame: av.VideoFrame) -> Tensor:
    # Everything is said outright: older PyAV ignores a frame's own tags, and the source's matrix too where source and
    # destination look alike. RGB has no matrix, so the destination's says nothing but that they are not.
    matrix = frame.colorspace
    if matrix not in KNOWN_MATRICES:
        matrix = BT709 if frame.height >= HD_HEIGHT_PX else BT601
    is_full_range = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    rgb = frame.reformat(
        format="rgb24",
        interpolation=EXACT,
        src_colorspace=int(matrix),
        dst_colorspace=BT601 if matrix == BT709 else BT709,
        src_color_range=FULL_RANGE if is_full_range else LIMITED_RANGE,
        dst_color_range=FULL_RANGE,
    )
    picture = torch.from_numpy(rgb.to_ndarray())
    quarter_turns = round(frame.rotation / 90)
    return torch.rot90(picture, quarter_turns).contiguous() if quarter_turns % 4 else picture
