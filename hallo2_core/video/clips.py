"""Clips that are finished one by one, and joined without being encoded again.

Each clip is a closed group of pictures from a fresh encoder, so its bytes depend on the clip alone. It is written as
MPEG transport stream: such files can be put one after the other, be cut off anywhere, and still be played.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from torch import Tensor

from ..errors import VideoError
from .encode import FrameEncoder, VideoSettings
from .sound import SoundEncoder
from .target import TargetFile, mp4_options

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

    from ..audio.waveform import AudioSource

# Times in a transport stream begin this many frames late: they cannot be negative, and reordered pictures start before
# their own time.
LEAD_FRAMES = 16


def encode_clip(frames: Tensor, first_frame: int, fps: Fraction, settings: VideoSettings) -> bytes:
    """frames: (f h w 3), 0..1 or uint8; the first is number `first_frame` of the video."""
    height, width = frames.shape[1:3]
    written = io.BytesIO()
    with av.open(written, "w", format="mpegts") as container:
        encoder = FrameEncoder(container, width, height, fps, settings, first_frame + LEAD_FRAMES)
        encoder.write(frames)
        encoder.close()
    return written.getvalue()


@dataclass(frozen=True)
class JoinedVideo:
    path: Path
    frames: int


def join_clips(
    segments: Sequence[Path], path: Path, fps: Fraction, settings: VideoSettings, audio: AudioSource | None
) -> JoinedVideo:
    """Write the clips of all segments, in order, and the sound, encoded once over the whole, to `path`.

    The file appears when it is whole. Raises VideoError where a segment cannot be read or the disk refuses.
    """
    target = TargetFile(path)
    container = None
    try:
        with target.reported():
            target.path.parent.mkdir(parents=True, exist_ok=True)
            container = av.open(str(target.part), "w", format="mp4", options=mp4_options(fps, audio))
            frames = _copy(segments, container, fps, settings, audio)
            container.close()
            target.publish()
    except BaseException:
        if container is not None:
            with suppress(av.FFmpegError, OSError, ValueError):
                container.close()
        target.discard()
        raise
    return JoinedVideo(target.path, frames)


def _copy(
    segments: Sequence[Path],
    container: OutputContainer,
    fps: Fraction,
    settings: VideoSettings,
    audio: AudioSource | None,
) -> int:
    with av.open(str(segments[0])) as first:
        stream = container.add_stream_from_template(first.streams.video[0])
    stream.time_base = 1 / fps
    if settings.codec == "h265":
        stream.codec_context.codec_tag = "hvc1"
    sound = SoundEncoder(container, audio) if audio is not None else None
    frames = 0
    for packet in _packets(segments, fps):
        packet.stream = stream
        container.mux(packet)
        frames += 1
        if sound is not None:
            sound.write_until(frames / fps)
    if sound is not None:
        sound.close()
    return frames


def _packets(segments: Sequence[Path], fps: Fraction) -> Iterator[Packet]:
    """In the order they were written, with times counted in frames of the video."""
    for path in segments:
        with av.open(str(path)) as segment:
            for packet in segment.demux(video=0):
                if packet.size == 0:  # what ends a file
                    continue
                if packet.pts is None or packet.dts is None:
                    raise VideoError(f"{path} holds a picture without a time: it is damaged. Start the job afresh.")
                packet.pts = round(packet.pts * packet.time_base * fps) - LEAD_FRAMES
                packet.dts = round(packet.dts * packet.time_base * fps) - LEAD_FRAMES
                packet.time_base, packet.duration = 1 / fps, 1
                yield packet
