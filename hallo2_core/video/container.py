"""Opens a video file; what is no video is refused with what it is instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from ..errors import VideoError
from ..storage.advice import advice_for
from ..storage.not_media import what_it_is
from ..storage.presence import is_file
from .source import VideoSource, file_of, start_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

BROADCAST_FORMATS = ("mpegts", "mpeg")  # libavformat's names of formats whose clock starts anywhere
ANIMATED_WEBP = "webp_pipe"  # libavformat's name
TEXT = "tty"  # libavformat's name; it would draw the text as a terminal does
# Up to this libavcodec, PyAV 14.2's, the H.265 decoder sometimes hangs if threads share the rows of a picture.
LAST_THAT_HANGS = (61, 19, 100)


@contextmanager
def opened_video(source: VideoSource) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open file and its pictures. Errors: VideoError if `source`, a path or an open file, is no video."""
    name, file = name_of(source), file_of(source)
    if isinstance(file, str | Path):
        try:
            is_missing = not is_file(file)
        except OSError as error:
            raise unreachable(name, error) from error
        if is_missing:
            raise VideoError(f"There is no video {file}. Check its name and folder.")
        file = str(Path(file).absolute())  # libavformat takes "12:30.mp4" for an address
    else:
        file.seek(0)
    try:
        with av.open(file, metadata_errors="replace") as container:  # tags of old files are not UTF-8
            stream = container.streams.best("video")  # a song's cover only if there is nothing else
            if stream is None or stream.disposition & Disposition.attached_pic:
                raise VideoError(f"{name} holds no pictures. Choose a video.")
            if container.format.name == TEXT:
                raise VideoError(f"{name} is a text file. Choose a video.")
            if stream.codec_context is None:
                raise VideoError(f"{name} has a codec that PyAV {av.__version__} cannot decode. Save it as H.264.")
            if not stream.codec_context.width and container.format.name == ANIMATED_WEBP:
                raise VideoError(f"{name} is an animated WebP, which PyAV cannot decode. Convert it to MP4 or GIF.")
            if not stream.codec_context.width:
                raise VideoError(f"{name} is damaged: its video stream has no size. Choose another video.")
            if stream.codec_context.name == "hevc" and av.library_versions["libavcodec"] <= LAST_THAT_HANGS:
                stream.thread_type = "FRAME"  # one picture per thread
            yield container, stream
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise unreachable(name, error) from error
        what = what_it_is(Path(file)) if isinstance(file, str) else ""
        what = what or f"cannot be read as a video: {error.strerror}. It is damaged, truncated, or no video."
        raise VideoError(f"{name} {what}") from error


@contextmanager
def opened(source: VideoSource) -> Iterator[InputContainer]:
    """The open file, for access beyond its frames. Errors as `opened_video`."""
    with opened_video(source) as (container, _stream):
        yield container


def origin_of(source: VideoSource, container: InputContainer) -> Fraction:
    """The time in the file, in seconds, that is the source's beginning."""
    beginning = Fraction(0)
    if container.format.name in BROADCAST_FORMATS and container.start_time is not None:
        beginning = Fraction(container.start_time, av.time_base)
    return beginning + start_of(source)


def unreachable(name: str, error: OSError) -> VideoError:
    """libavformat also answers with an error of the system where a file's structure leads it nowhere."""
    return VideoError(
        f"{name} cannot be read as a video: {error.strerror or error}. {advice_for(error)} If that is not the cause, "
        f"the file is damaged."
    )


def name_of(source: VideoSource) -> str:
    file = file_of(source)
    return Path(file).name if isinstance(file, str | Path) else "The video"
