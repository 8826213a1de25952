"""Joins the files of clips into one video with its sound, without re-encoding pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import partial
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING

import av

from ..errors import VideoError
from .clips import AV1_UNITS, opened_clips, packets_of, stream_like
from .container import opened, origin_of
from .copied_description import with_description_of
from .copied_sound import CopiedSound, sound_rates
from .frame_times import FrameTimes
from .metadata import NO_METADATA, RECORD_TAG, FileMetadata, append_mark
from .sound import SoundEncoder
from .source import VideoSource, length_of
from .target import TargetFile, mp4_options

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

    from ..audio.waveform import AudioSource

FINEST_MOVIE_TIMESCALE = 2**31 - 1


def join_clips(
    segments: Mapping[Path, int],
    target: TargetFile,
    fps: Fraction,
    audio: AudioSource | None,
    check_cancelled: Callable[[], None],
    metadata: FileMetadata = NO_METADATA,
) -> None:
    """Write the clips of all segments, in order, and the sound, encoded once as a whole, to `target.part`.

    segments: files of clips, and how many frames each holds. Raises VideoError if a file does not hold them, or if
    writing fails.
    """
    frames = FrameTimes(1 / fps, range(sum(segments.values())))
    make_sound = None if audio is None else partial(SoundEncoder, source=audio)
    _join(segments, target, fps, frames, make_sound, mp4_options(fps, audio), check_cancelled, metadata)


def join_clips_as(
    source: VideoSource,
    times: FrameTimes,
    segments: Mapping[Path, int],
    target: TargetFile,
    fps: Fraction,
    check_cancelled: Callable[[], None],
    metadata: FileMetadata = NO_METADATA,
) -> None:
    """As `join_clips`, but with the tags and chapters of `source`, its sound copied packet by packet, and frames at
    `times`.

    fps: what the clips were encoded with. Raises VideoError as `join_clips`, and if there is not one time per frame.
    """
    if len(times.ticks) != sum(segments.values()):
        raise VideoError(
            f"{sum(segments.values())} frames were made from a video that now has {len(times.ticks)}: it has changed "
            f"in the meantime. Start over."
        )
    with opened(source) as container:
        ticks_per_second = lcm(times.time_base.denominator, *sound_rates(container))
        options = mp4_options(fps, None) | {"movie_timescale": str(min(ticks_per_second, FINEST_MOVIE_TIMESCALE))}
        origin, length = origin_of(source, container), length_of(source)
        metadata = with_description_of(container, metadata, origin, length)
        make_sound = partial(CopiedSound, source=container, origin=origin, length=length)
        _join(segments, target, fps, times, make_sound, options, check_cancelled, metadata)


def _join(
    segments: Mapping[Path, int],
    target: TargetFile,
    fps: Fraction,
    times: FrameTimes,
    make_sound: Callable[[OutputContainer], SoundEncoder | CopiedSound] | None,
    options: Mapping[str, str],
    check_cancelled: Callable[[], None],
    metadata: FileMetadata,
) -> None:
    first = next(iter(segments))
    if RECORD_TAG in metadata.tags:  # otherwise libavformat writes only the names that it knows
        options = {**options, "movflags": f"{options['movflags']}+use_metadata_tags"}
    with opened_clips(first) as segment:
        is_av1 = segment.format.name == AV1_UNITS
    if is_av1:  # older PyAV does not accept a time base for an opaque stream
        options = {**options, "video_track_timescale": str(times.time_base.denominator)}
    with target.reported():
        container = av.open(str(target.part.absolute()), "w", format="mp4", options=dict(options))
        container.metadata.update(metadata.tags)
        if metadata.chapters:
            container.set_chapters([dict(chapter) for chapter in metadata.chapters])
        try:
            with opened_clips(first) as segment:
                stream = stream_like(segment, container, times.time_base)
            sound = make_sound(container) if make_sound is not None else None
            for frames, packet in enumerate(_packets(segments, fps), start=1):
                check_cancelled()
                packet.stream, packet.time_base = stream, times.time_base
                # Presentation and decoding order both use the frames' own times: these increase, so no frame is
                # shown before it is decoded.
                shown, decoded = packet.pts, packet.dts
                packet.pts, packet.dts = times.at(shown), times.at(decoded)
                packet.duration = times.at(shown + 1) - times.at(shown)
                container.mux(packet)
                if sound is not None:
                    sound.write_until(times.at(frames) * times.time_base)
            if sound is not None:
                sound.close()
        except BaseException:
            with suppress(av.FFmpegError, OSError, ValueError):  # an incomplete file may fail to close
                container.close()
            raise
        container.close()
        if metadata.source_type:
            append_mark(target.part, metadata.source_type)


def _packets(segments: Mapping[Path, int], fps: Fraction) -> Iterator[Packet]:
    """In file order, with times counted in frames of the video."""
    first = 0
    for path, frames in segments.items():
        with opened_clips(path) as segment:
            for packet in packets_of(segment, frames, fps):
                packet.pts += first
                packet.dts += first
                yield packet
        first += frames
