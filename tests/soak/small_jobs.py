"""Three small jobs whose videos take fractions of a second: an animation, an upscaled video and one pasted back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import tiny
import torch
from seeded_models import seeded_upscaler
from small_render import a_render
from stand_ins import RecordingRuntime
from torch import Tensor

from hallo2_core.animation.render import render_video
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.jobs.job import Job
from hallo2_core.payloads import Box
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import upscale_video
from hallo2_core.upscaling.render_pasted import PasteBack, paste_back_video, paste_key
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

FAST = VideoSettings(preset="ultrafast")
SOURCE, VIDEO, JOB = "in.mp4", "out.mp4", "out.mp4.hallo2"
SOURCE_FRAMES = 40  # three clips of up to sixteen
PICTURE = torch.linspace(0.2, 0.8, 96)[:, None, None] * torch.linspace(0.4, 1.0, 160)[None, :, None].expand(1, 160, 3)


class WatchedJob(Job):
    """Remembers how many clips were finished when it began. `confirmed` hears how many are, after each."""

    resumed_from = -1
    confirmed: Callable[[int], object] | None = None

    def __enter__(self) -> Job:
        super().__enter__()
        self.resumed_from = self.journal.clips
        return self

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        super().append(clip, frames, state)
        if self.confirmed is not None:
            self.confirmed(self.journal.clips)


@dataclass(frozen=True)
class Attempt:
    """One run of a job, however it ended."""

    error: Exception | None
    finished_clips: int  # that the job had confirmed at the end
    resumed_from: int  # clips; -1 if it did not begin


@dataclass(frozen=True)
class SmallJob:
    name: str
    half_way: int  # reports of progress, after which some of its clips are finished
    prepare: Callable[[Path], None]  # write what it reads
    job: Callable[[Path], WatchedJob]
    render: Callable[[Path, Job, RecordingRuntime], object]

    def run(
        self,
        folder: Path,
        runtime: RecordingRuntime | None = None,
        confirmed: Callable[[int], object] | None = None,
    ) -> Attempt:
        job, failure = None, None
        try:
            job = self.job(folder)
            job.confirmed = confirmed
            self.render(folder, job, runtime or RecordingRuntime())
        except Exception as error:
            failure = error
        return Attempt(failure, 0 if job is None else job.journal.clips, -1 if job is None else job.resumed_from)


def small_jobs() -> tuple[SmallJob, ...]:
    return (
        SmallJob("animation", 3, lambda folder: None, _animation_job, _animate),
        SmallJob("upscaling", 36, _write_source, _upscaling_job, _upscale),
        SmallJob("paste back", 36, _write_source, _pasting_job, _paste),
    )


def _write_source(folder: Path) -> None:
    """Frames that change, with a tone."""
    grey = torch.arange(60, 60 + SOURCE_FRAMES, dtype=torch.uint8)[:, None, None, None].expand(-1, 48, 48, 3)
    tone = 0.3 * torch.sin(torch.arange(SOURCE_FRAMES * 16_000 // 25) * 0.2).unsqueeze(0)
    with VideoWriter(folder / SOURCE, 48, 48, Fraction(25), FAST, TensorAudio(tone, 16_000)) as writer:
        writer.write(grey)


_render, _upscaler = cache(a_render), cache(seeded_upscaler)


def _animation_job(folder: Path) -> WatchedJob:
    return WatchedJob(folder / JOB, tiny.job_key("key"))


def _animate(folder: Path, job: Job, runtime: RecordingRuntime) -> None:
    render_video(_render(), job, folder / VIDEO, runtime)


def _upscale_of(folder: Path) -> Upscale:
    return Upscale(folder / SOURCE, _upscaler(), None, UpscaleSettings(96, 96), FAST)


def _upscaling_job(folder: Path) -> WatchedJob:
    return WatchedJob(folder / JOB, upscale_key(_upscale_of(folder), RecordingRuntime()))


def _upscale(folder: Path, job: Job, runtime: RecordingRuntime) -> None:
    upscale_video(_upscale_of(folder), job, folder / VIDEO, runtime)


def _pasting_of(folder: Path) -> PasteBack:
    person = replace(tiny.portrait(), crop=Box(8, 16, 72, 80), source=PICTURE)
    return PasteBack(folder / SOURCE, person, FAST, 0.1)


def _pasting_job(folder: Path) -> WatchedJob:
    return WatchedJob(folder / JOB, paste_key(_pasting_of(folder)))


def _paste(folder: Path, job: Job, runtime: RecordingRuntime) -> None:
    paste_back_video(_pasting_of(folder), job, folder / VIDEO, runtime)
