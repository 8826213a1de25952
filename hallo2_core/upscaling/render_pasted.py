"""Paste back and write: video of the crop → video of the full picture, frame by frame, as a resumable job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import repeat, zip_longest
from pathlib import Path

import torch
from torch import Tensor

from ..arithmetic import PASTING_ARITHMETIC
from ..errors import SettingsError
from ..jobs.fingerprint import fingerprint
from ..jobs.job import Job
from ..jobs.key import JobKey
from ..jobs.record import record_of
from ..payloads import Portrait
from ..portrait.picture import as_picture
from ..runtime import Runtime
from ..video.colour import to_planes
from ..video.encode import encoder_version
from ..video.frame_times import FrameTimes
from ..video.join import join_clips_as
from ..video.levels import check_level
from ..video.metadata import PARTLY_GENERATED, FileMetadata, MetadataChoice, file_metadata, read_record
from ..video.reader import probe, read_frames
from ..video.settings import VideoSettings
from ..video.source import VideoSource
from ..video.source_check import check_source
from ..video.source_fingerprint import source_fingerprint
from ..video.target import TargetFile, check_target
from .announced import announced
from .clip_writer import BackgroundWriter
from .finished_part import finished_part_published, longer
from .paste_back import Place, check_video_fits, find_place, paste

SOUNDS = ("video", "background")


@dataclass(frozen=True)
class PasteBack:
    """A whole paste-back: a crop's video pasted into a picture, or into a video of it, for example with other speakers.

    The longer of two videos gives length and times; the other one's last frame is repeated.
    """

    source: VideoSource
    portrait: Portrait
    video_settings: VideoSettings
    feather: float
    picture: Tensor | None = None  # to paste into, instead of the portrait's own source; see `as_picture`
    background: VideoSource | None = None  # takes precedence over the picture
    sound_from: str = "video"
    metadata: MetadataChoice = field(default_factory=MetadataChoice)

    def __post_init__(self) -> None:
        if self.sound_from not in SOUNDS:
            raise SettingsError(f"The sound is set to '{self.sound_from}'; choose one of {', '.join(SOUNDS)}.")
        if self.sound_from == "background" and self.background is None:
            raise SettingsError(
                "The sound is set to the background's, but no background video is connected. Connect one, or choose "
                "'video'."
            )

    @cached_property
    def canvas(self) -> Tensor:
        """(H W 3) uint8: the picture, cropped to even sides, as video requires."""
        picture = self.portrait.source if self.picture is None else as_picture(self.picture)
        height, width = (side - side % 2 for side in picture.shape[:2])
        return (picture[:height, :width] * 255.0).round().to(torch.uint8)

    @cached_property
    def expected_frames(self) -> int:
        """Of the longer video; 0 if unknown."""
        return max(probe(video).expected_frames for video in filter(None, (self.source, self.background)))

    @property
    def sound(self) -> VideoSource:
        return self.source if self.sound_from == "video" else self.background


def paste_key(work: PasteBack) -> JobKey:
    """Over both videos' bytes, the picture, the place in it, and every setting. Of the portrait, only the crop."""
    portrait = work.portrait
    parts = {
        "video": source_fingerprint(work.source),
        "background": "" if work.background is None else source_fingerprint(work.background),
        "picture": work.canvas if work.background is None else "",
        "place": [portrait.crop, list(portrait.source.shape), work.feather],
        "sound": work.sound_from,
        "file": work.video_settings,
        **work.metadata.request,
    }
    arithmetic = {"ARITHMETIC": str(PASTING_ARITHMETIC), "torch": torch.__version__, "encoder": encoder_version()}
    info = probe(work.source)
    what = f"pasted back, {float(info.fps):g} frames a second"
    return JobKey({name: fingerprint(part) for name, part in parts.items()}, arithmetic, what, work.expected_frames)


@torch.inference_mode()
def paste_back_video(work: PasteBack, job: Job, path: Path, runtime: Runtime) -> Path:
    """Write the video to `path`, every frame at its own time, the sound copied packet by packet. job: of this key.

    If stopped, the same call resumes at the next clip; if finished, it returns at once. Memory does not grow with the
    video's length. Returns the video's path. Raises a Hallo2Error before the work starts if the parts do not match.
    """
    video = probe(work.source)
    check_video_fits(work.portrait, video.width, video.height)
    fps = video.nominal_fps
    height, width = work.canvas.shape[:2]
    if work.background is not None:
        behind = probe(work.background)
        height, width = behind.height, behind.width
        if behind.nominal_fps != fps:
            raise SettingsError(
                f"The video has {float(fps):g} frames a second and the background {float(behind.nominal_fps):g}. "
                f"Make both with the same frame rate."
            )
    place = find_place(work.portrait, height, width, work.feather)
    check_level(work.video_settings.codec, width, height, fps)
    with job:
        runtime.notify(job.note)
        if job.finished is None:
            check_target(path)
            if not job.journal.clips:
                for source in filter(None, (work.source, work.background)):
                    check_source(source, runtime.check_cancelled, has_sound_copied=source is work.sound)
            metadata = _metadata(work, job.journal.key)
            times = FrameTimes(), FrameTimes()
            with announced(job, work.expected_frames, width, height, runtime) as told:
                with finished_part_published(job, work.sound, times, path, fps, metadata):
                    _make_clips(work, place, fps, job, times, told)
                with TargetFile(path, job.folder) as target:
                    join_clips_as(work.sound, longer(times), job.segments, target, fps, told.check_cancelled, metadata)
                    job.publish(target)
        return job.finished


def _metadata(work: PasteBack, key: JobKey) -> FileMetadata:
    settings = {"feather": work.feather, "sound": work.sound_from, "file": asdict(work.video_settings)}
    return file_metadata(work.metadata, PARTLY_GENERATED, record_of(key, settings), read_record(work.source))


def _make_clips(
    work: PasteBack, place: Place, fps: Fraction, job: Job, times: tuple[FrameTimes, FrameTimes], runtime: Runtime
) -> None:
    """times: receive those of every frame, of the video and of the background. Finished frames are read again for their
    times, but not rendered again."""
    done = job.journal.frames
    with BackgroundWriter(job, fps, work.video_settings) as writer:
        for index, (canvas, frame) in enumerate(_in_step(work, *times)):
            runtime.check_cancelled()
            if index < done:
                continue
            pasted = paste(canvas, frame, place)
            writer.write(to_planes(pasted, work.video_settings.bit_depth))
            runtime.progress(index + 1, max(work.expected_frames, index + 1), pasted.float() / 255.0)
        writer.finish()


def _in_step(work: PasteBack, times: FrameTimes, background_times: FrameTimes) -> Iterator[tuple[Tensor, Tensor]]:
    """Canvas and crop of every frame, each (h w 3) uint8."""
    frames = read_frames(work.source, times=times)
    if work.background is None:
        yield from zip(repeat(work.canvas), frames)  # noqa: B905 - the canvas never ends
        return
    canvases = read_frames(work.background, times=background_times)
    canvas = frame = None  # neither video is empty: reading one would have raised
    for next_canvas, next_frame in zip_longest(canvases, frames):
        canvas = canvas if next_canvas is None else next_canvas
        frame = frame if next_frame is None else next_frame
        yield canvas, frame
