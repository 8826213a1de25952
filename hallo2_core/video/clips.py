"""Clips that are finished one by one, and joined without being encoded again.

Each clip is a closed group of pictures from a fresh encoder, so its bytes depend on nothing before or after it. It is
written as MPEG transport stream: such files can be put one after the other, be cut off anywhere, and still be played.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from torch import Tensor

from ..errors import VideoError
from .encode import MOST_REORDERED_FRAMES, FrameEncoder, VideoSettings
from .sound import SoundEncoder
from .target import TargetFile, mp4_options

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from ..audio.waveform import AudioSource

# Times in a transport stream begin this many frames late: they cannot be negative, and reordered pictures start before
# their own time.
LEAD_FRAMES = 16
# Every clip counts its packets anew. Said outright, or players take some for lost where two clips meet.
COUNTS_ANEW = {"mpegts_flags": "initial_discontinuity"}


def encode_clip(frames: Tensor, first_frame: int, fps: Fraction, settings: VideoSettings) -> bytes:
    """frames: (f h w 3), 0..1 or uint8.  first_frame: how many come before them in the file they are appended to."""
    height, width = frames.shape[1:3]
    written = io.BytesIO()
    with av.open(written, "w", format="mpegts", options=COUNTS_ANEW) as container:
        encoder = FrameEncoder(container, width, height, fps, settings, first_frame + LEAD_FRAMES)
        encoder.write(frames)
        encoder.close()
    return written.getvalue()


def join_clips(
    segments: Mapping[Path, int],
    target: TargetFile,
    fps: Fraction,
    audio: AudioSource | None,
    check_cancelled: Callable[[], None],
) -> None:
    """Write the clips of all segments, in order, and the sound, encoded once over the whole, to `target.part`.

    segments: files of clips, and how many frames each holds. Raises VideoError where one does not hold them, or where
    the disk refuses.
    """
    with target.reported():
        target.path.parent.mkdir(parents=True, exist_ok=True)
        container = av.open(str(target.part), "w", format="mp4", options=mp4_options(fps, audio))
        try:
            stream = _like_that_of(next(iter(segments)), container, fps)
            sound = SoundEncoder(container, audio) if audio is not None else None
            for frames, packet in enumerate(_packets(segments, fps), start=1):
                check_cancelled()
                packet.stream = stream
                container.mux(packet)
                if sound is not None:
                    sound.write_until(frames / fps)
            if sound is not None:
                sound.close()
        except BaseException:
            with suppress(av.FFmpegError, OSError, ValueError):  # half a file may not close cleanly
                container.close()
            raise
        container.close()


def _like_that_of(path: Path, container: OutputContainer, fps: Fraction) -> VideoStream:
    """A stream for packets that another encoder made."""
    with _opened(path) as segment:
        made_before = segment.streams.video[0]
        stream = container.add_stream_from_template(made_before)
        if made_before.codec_context.name == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # Apple's players refuse libavformat's own hev1
    stream.time_base = 1 / fps
    return stream


def _packets(segments: Mapping[Path, int], fps: Fraction) -> Iterator[Packet]:
    """In the order they were written, with times counted in frames of the video."""
    first = 0
    for path, frames in segments.items():
        found = 0
        with _opened(path) as segment:
            for packet in segment.demux(video=0):
                if not packet.size:  # what ends a file
                    continue
                if packet.pts is None or packet.is_corrupt:
                    raise _damaged(path, f"picture {found} is not whole")
                if found == frames:
                    raise _damaged(path, f"it holds more than its {frames} pictures")
                packet.pts = first + round(packet.pts * packet.time_base * fps) - LEAD_FRAMES
                packet.dts = first + found - MOST_REORDERED_FRAMES  # encoders say it otherwise for very short clips
                packet.time_base, packet.duration = 1 / fps, 1
                found += 1
                yield packet
        if found != frames:
            raise _damaged(path, f"it holds {found} of its {frames} pictures")
        first += frames


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path)) as segment:
            if not segment.streams.video:
                raise _damaged(path, "it holds no pictures")
            yield segment
    except av.FFmpegError as error:
        raise _damaged(path, error.strerror or type(error).__name__) from error


def _damaged(path: Path, how: str) -> VideoError:
    return VideoError(f"{path} is damaged: {how}. What comes before that can still be watched. Start afresh.")
