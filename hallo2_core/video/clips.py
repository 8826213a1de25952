"""Clips that are finished one by one, and their files, which `join` joins without re-encoding.

Each clip is a closed group of pictures from a fresh encoder, so its bytes do not depend on other clips. It is written
as MPEG transport stream; AV1, which that cannot carry, as a raw stream of its units. Such files can be concatenated,
or truncated anywhere, and still play.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

import av
from torch import Tensor

from ..errors import VideoError
from ..storage.advice import advice_for
from .colour import Planes
from .encode import REORDERED_FRAMES, FrameEncoder
from .settings import VideoSettings

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


# Offset, in frames, of the times in a transport stream: they cannot be negative, and with reordering, decoding starts
# before time 0.
LEAD_FRAMES = 16
# Every clip restarts its packet counters. This flags it; otherwise players report lost packets between clips.
COUNTS_ANEW = {"mpegts_flags": "initial_discontinuity"}
# libavformat's names of the two kinds, and the first bytes of the second: the delimiter before each AV1 picture.
TRANSPORT_STREAM, AV1_UNITS = "mpegts", "obu"
AV1_MARK = b"\x12\0"


def encode_clip(frames: Tensor, first_frame: int, fps: Fraction, settings: VideoSettings) -> bytes:
    """frames: (f h w 3), 0..1 or uint8.  first_frame: number of frames already in the file they are appended to."""
    height, width = frames.shape[1:3]
    with ClipEncoder(width, height, first_frame, fps, settings) as clip:
        clip.write(frames)
        return clip.finish()


class ClipEncoder:
    """One clip whose frames are written a few at a time: at 4K, sixteen at once would take gigabytes.

    A context manager: the encoder is always closed on exit. Older PyAV aborts the process if an encoder is left to the
    garbage collector.
    """

    def __init__(self, width: int, height: int, first_frame: int, fps: Fraction, settings: VideoSettings) -> None:
        """first_frame: as in `encode_clip`."""
        self._written = io.BytesIO()
        if settings.codec == "av1":
            self._container = av.open(self._written, "w", format=AV1_UNITS)
        else:
            self._container = av.open(self._written, "w", format=TRANSPORT_STREAM, options=COUNTS_ANEW)
        try:
            self._encoder = FrameEncoder(self._container, width, height, fps, settings, first_frame + LEAD_FRAMES)
        except BaseException:
            self._close()
            raise
        self.frames = 0

    def __enter__(self) -> ClipEncoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def write(self, frames: Tensor) -> None:
        """frames: (f h w 3), 0..1 or uint8."""
        self._encoder.write(frames)
        self.frames += len(frames)

    def write_planes(self, planes: Planes) -> None:
        """One frame in the encoder's format."""
        self._encoder.write_planes(planes)
        self.frames += 1

    def finish(self) -> bytes:
        self._encoder.close()
        self._container.close()
        return self._written.getvalue()

    def _close(self) -> None:
        with suppress(
            av.FFmpegError, OSError, ValueError
        ):  # may fail for an incomplete clip, which is discarded anyway
            self._container.close()


def stream_like(clips: InputContainer, container: OutputContainer, time_base: Fraction) -> VideoStream:
    """A stream of `container` for the packets of `clips`."""
    made_before = clips.streams.video[0]
    if clips.format.name == AV1_UNITS:  # opaque, or PyAV looks for an encoder with the decoder's name
        return container.add_stream_from_template(made_before, opaque=True)
    stream = container.add_stream_from_template(made_before)
    if made_before.codec_context.name == "hevc":
        stream.codec_context.codec_tag = "hvc1"  # Apple's players refuse libavformat's default hev1
    stream.time_base = time_base
    return stream


def packets_of(clips: InputContainer, frames: int, fps: Fraction, before: int = 0) -> Iterator[Packet]:
    """In file order, with times counted in frames: the first is shown at 0.

    frames: how many there are. before: how many came before them in the file that they were made for. Raises VideoError
    if others are found.
    """
    is_av1 = clips.format.name == AV1_UNITS
    reordered = REORDERED_FRAMES["av1" if is_av1 else "h264"]
    found = 0
    for packet in clips.demux(video=0):
        if not packet.size:  # the flush packet at the end of a file
            continue
        if is_av1:  # it holds no times, and its pictures are in display order
            packet.pts, packet.time_base = before + found + LEAD_FRAMES, 1 / fps
        if packet.pts is None or packet.is_corrupt:
            raise _damaged(clips.name, f"picture {found} is incomplete")
        if found == frames:
            raise _damaged(clips.name, f"it holds more than its {frames} pictures")
        packet.pts = round(packet.pts * packet.time_base * fps) - LEAD_FRAMES - before
        packet.dts = found - reordered  # encoders report another value for very short clips
        found += 1
        yield packet
    if found != frames:
        raise _damaged(clips.name, f"it holds {found} of its {frames} pictures")


@contextmanager
def opened_clips(clips: Path | BinaryIO) -> Iterator[InputContainer]:
    """A file of clips, or one in memory, complete or not. Errors: VideoError, also if the disk fails."""
    name, file = (str(clips), str(clips.absolute())) if isinstance(clips, Path) else ("A clip", clips)
    try:
        kind = _kind_of(clips)
        # With an explicit format: a few small frames are not enough to detect it.
        with av.open(file, format=kind, metadata_errors="replace") as container:
            if not container.streams.video:
                raise _damaged(name, "it holds no pictures")
            yield container
    except FileNotFoundError as error:
        raise _damaged(name, error.strerror or type(error).__name__) from error
    except OSError as error:  # as also most of libav's are
        raise VideoError(
            f"{name} cannot be read: {error.strerror or error}. Finished clips are kept. {advice_for(error)} Then run "
            f"again."
        ) from error
    except av.FFmpegError as error:
        raise _damaged(name, error.strerror or type(error).__name__) from error


def _kind_of(clips: Path | BinaryIO) -> str:
    """By its first bytes; any other or missing file is reported when it is opened."""
    with suppress(FileNotFoundError), clips.open("rb") if isinstance(clips, Path) else nullcontext(clips) as file:
        begin = file.read(len(AV1_MARK))
        file.seek(0)
        if begin == AV1_MARK:
            return AV1_UNITS
    return TRANSPORT_STREAM


def _damaged(path: str, how: str) -> VideoError:
    return VideoError(f"{path} is damaged: {how}. What comes before the damage can still be watched. Start over.")
