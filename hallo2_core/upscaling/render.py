"""Upscale and write without losing finished work: a job of clips, then one file with the source's sound."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..jobs.job import Job
from ..memory_retry import attempts
from ..runtime import Runtime
from ..video.colour import to_planes
from ..video.encode import check_even_size
from ..video.frame_times import FrameTimes
from ..video.join import join_clips_as
from ..video.levels import check_level, level_note
from ..video.reader import VideoInfo, probe, read_frames
from ..video.settings import VideoSettings
from ..video.source_check import check_source
from ..video.target import TargetFile, check_target
from .announced import announced
from .clip_writer import CLIP_FRAMES, BackgroundWriter
from .estimate import CHANNELS, FLOAT_BYTES, host_bytes, working_bytes
from .finished_part import finished_part_published
from .job_key import Upscale
from .record import upscale_metadata
from .restore_faces import SHORTAGE_ADVICE
from .settings import UpscaleSettings
from .to_host import FinishedFrame, to_host
from .upscale import first_frame_needed, upscale_frames

logger = logging.getLogger("hallo2")

MEGABYTE = 1e6
PREVIEW_PX = 512


@dataclass(frozen=True)
class UpscaledVideo:
    """A finished file."""

    path: Path
    frames: int
    fps: Fraction  # on average, for variable frame rates
    seconds: float
    width: int
    height: int
    resumed_from_clip: int  # 0: made in one run


def upscale_video(upscale: Upscale, job: Job, path: Path, runtime: Runtime) -> UpscaledVideo:
    """Write the upscaled video to `path`: same frame times, same sound. job: of this key.

    If stopped at any time, the same call resumes at the next clip of 16 frames and gives the same frames as without the
    stop; if finished, it returns at once. The file appears under its name once it is complete. Raises a Hallo2Error
    before the work starts if the source is no video, the codec does not support the size, or the job's folder belongs
    to another video.
    """
    source = probe(upscale.source)
    fps = source.nominal_fps  # that clips are encoded with; the finished file has the source's frame times
    check_result(source, upscale.settings, upscale.video_settings)
    with job:
        runtime.notify(job.note)
        resumed_from_clip = job.journal.clips
        if job.finished is None:
            check_target(path)
            if not job.journal.clips:
                check_source(upscale.source, runtime.check_cancelled)
            logger.info("%s", memory_needed(source, upscale))
            metadata, times = upscale_metadata(upscale, job.journal.key), FrameTimes()
            width, height = upscale.settings.width_px, upscale.settings.height_px
            with announced(job, source.expected_frames, width, height, runtime) as told:
                with finished_part_published(job, upscale.source, [times], path, fps, metadata):
                    _make_clips(upscale, job, fps, source, times, told)
                with TargetFile(path, job.folder) as video:
                    join_clips_as(upscale.source, times, job.segments, video, fps, told.check_cancelled, metadata)
                    job.publish(video)
        return _seen(job.finished, fps, resumed_from_clip)


def check_result(source: VideoInfo, settings: UpscaleSettings, video_settings: VideoSettings) -> None:
    """Refuse a size that this codec, or every player, does not support. Raises a Hallo2Error."""
    check_even_size(settings.width_px, settings.height_px)
    check_level(video_settings.codec, settings.width_px, settings.height_px, source.nominal_fps)


def memory_needed(source: VideoInfo, upscale: Upscale) -> str:
    """As text: the size of a frame, the memory on device and host, and which players support such frames."""
    settings = upscale.settings
    width, height = settings.width_px, settings.height_px
    frame = FLOAT_BYTES * CHANNELS * width * height
    at_once = working_bytes(source.width, source.height, settings, upscale.upscaler.config)
    waiting = host_bytes(source.width, source.height, settings, upscale.video_settings)
    said = (
        f"{source.width}x{source.height} to {width}x{height}: each finished frame takes {frame / MEGABYTE:.0f} MB. "
        f"Beside the weights, the work takes about {at_once / MEGABYTE:.0f} MB on the device and "
        f"{waiting / MEGABYTE:.0f} MB of main memory for waiting frames and the encoder, however long the video is."
    )
    return " ".join(filter(None, (said, level_note(upscale.video_settings.codec, width, height))))


def _make_clips(
    upscale: Upscale, job: Job, fps: Fraction, source: VideoInfo, times: FrameTimes, runtime: Runtime
) -> None:
    """Frames are encoded while the next ones are made. times: receives that of every source frame."""
    done = job.journal.frames
    first_read = first_frame_needed(done, upscale.settings)
    is_whole = done % CLIP_FRAMES != 0  # only the last clip is shorter
    frames = read_frames(upscale.source, done if is_whole else first_read, times)
    if is_whole:
        for _ in frames:
            runtime.check_cancelled()
        return
    expected = max(source.expected_frames, done, 1)
    with BackgroundWriter(job, fps, upscale.video_settings) as writer:
        for frame in finished_frames(upscale, frames, done, runtime):
            writer.write(frame.planes)
            done += 1
            runtime.progress(done, max(expected, done), frame.preview)
        writer.finish()


def finished_frames(
    upscale: Upscale, frames: Iterator[Tensor], start: int, runtime: Runtime
) -> Iterator[FinishedFrame]:
    """Yield frames from `start` on, on the CPU. frames: the source's, from `first_frame_needed(start)` on."""
    finish = partial(_finished, bit_depth=upscale.video_settings.bit_depth, runtime=runtime)
    return to_host(map(finish, _upscaled(upscale, frames, start, runtime)))


def _finished(frame: Tensor, bit_depth: int, runtime: Runtime) -> FinishedFrame:
    for attempt in attempts(runtime, SHORTAGE_ADVICE):
        with attempt:
            finished = finished_frame(frame, bit_depth)
    return finished


@torch.inference_mode()
def finished_frame(frame: Tensor, bit_depth: int) -> FinishedFrame:
    """frame: (h w 3), 0..1.  Stays on its device.  8 bits are rounded: unchanged pixels of the source stay
    bit-identical."""
    numbers = (frame * 255.0).round_().to(torch.uint8) if bit_depth == 8 else frame
    return FinishedFrame(to_planes(numbers, bit_depth), _preview(frame))


def _upscaled(upscale: Upscale, frames: Iterator[Tensor], start: int, runtime: Runtime) -> Iterator[Tensor]:
    return upscale_frames(
        frames,
        upscale.upscaler,
        upscale.faces,
        upscale.settings,
        runtime,
        upscale.background,
        start,
    )


def _preview(frame: Tensor) -> Tensor:
    """A small preview: at 4K, sending whole frames would take longer than making them."""
    step = -(-max(frame.shape[:2]) // PREVIEW_PX)
    return frame[::step, ::step].clone()  # a view would keep the whole frame alive


def _seen(path: Path, fps: Fraction, resumed_from_clip: int) -> UpscaledVideo:
    """The properties of the finished file."""
    info = probe(path)
    return UpscaledVideo(
        path=path,
        frames=info.frames,
        fps=info.fps or fps,
        seconds=info.seconds,
        width=info.width,
        height=info.height,
        resumed_from_clip=resumed_from_clip,
    )
