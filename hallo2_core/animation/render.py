"""Animate and write, so that nothing finished can be lost: a job of clips, then one file with the sound."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from ..inspection.estimate import check_room, estimate_video
from ..jobs.job import Job
from ..runtime import Runtime
from ..video.clips import encode_clip, join_clips
from ..video.target import TargetFile, check_target
from .animate import ClipState, FinishedClip, animate, count_clips
from .checks import check_performance
from .job_key import Render

logger = logging.getLogger("hallo2")


@dataclass(frozen=True)
class RenderedVideo:
    """A finished file."""

    path: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    resumed_from_clip: int  # 0: made in one go

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


def render_video(render: Render, job: Job, path: Path, runtime: Runtime) -> RenderedVideo:
    """Write the whole video to `path`, with the given sound. job: of this render's key.

    Stopped at any moment, the same call goes on at the next clip with the same frames as if it had not been stopped;
    finished, it returns at once. The file appears under its name when it is whole. Raises a Hallo2Error before the
    work starts where parts do not fit together, the disk is too small or the job's folder belongs to another video.
    """
    check_performance(render.performance, render.speech)
    portrait, speech = render.performance.reference.portrait, render.speech
    with job:
        resumed_from_clip = job.journal.clips
        if job.finished is None:
            check_target(path)
            _check_room(render, job, path)
            _make_clips(render, job, runtime)
            with TargetFile(path, job.folder) as video:
                join_clips(job.segments, video, speech.fps, speech.audio, runtime.check_cancelled)
                job.publish(video)
        return RenderedVideo(
            job.finished, speech.frames, speech.fps, portrait.width, portrait.height, resumed_from_clip
        )


def _check_room(render: Render, job: Job, path: Path) -> None:
    speech, performance = render.speech, render.performance
    pixels, clip_frames = performance.reference.portrait.pixels, performance.motion.clip.frames
    estimate = estimate_video(pixels, speech.frames, clip_frames, speech.fps, render.settings, speech.audio)
    logger.info("%s", estimate)
    check_room(estimate, job, path)


def _make_clips(render: Render, job: Job, runtime: Runtime) -> None:
    """One clip is encoded and written while the next one is denoised. Stopped, the one in hand is still finished."""
    if job.journal.clips == count_clips(render.performance, render.speech):
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-writer") as writer:
        watched = _StopsWithTheWriter(runtime)
        for clip in animate(render.performance, render.speech, render.codec, watched, _state_of(job)):
            watched.wait()  # no more than one clip ever waits
            watched.watch(writer.submit(_write_clip, render, job, clip))
            del clip
        watched.wait()


def _write_clip(render: Render, job: Job, clip: FinishedClip) -> None:
    encoded = encode_clip(clip.frames, job.frames_in_segment, render.speech.fps, render.settings)
    job.append(encoded, len(clip.frames), _tensors_of(clip.following))


class _StopsWithTheWriter:
    """The given runtime; a clip that could not be written stops the making of the next one as cancel does."""

    def __init__(self, runtime: Runtime) -> None:
        self.device = runtime.device
        self.progress = runtime.progress
        self.ready = runtime.ready
        self._runtime = runtime
        self._writing: Future[None] | None = None

    def watch(self, writing: Future[None]) -> None:
        self._writing = writing

    def wait(self) -> None:
        """Until the clip in hand is written. Raises what went wrong there."""
        if self._writing is not None:
            self._writing.result()

    def check_cancelled(self) -> None:
        self._runtime.check_cancelled()
        if self._writing is not None and self._writing.done():
            self.wait()


def _tensors_of(state: ClipState) -> dict[str, Tensor]:
    tensors = {"motion_pixels": state.motion_pixels}
    if state.legacy_generator is not None:
        tensors["legacy_generator"] = state.legacy_generator
    return tensors


def _state_of(job: Job) -> ClipState | None:
    """Where the job stopped; None at its beginning."""
    tensors = job.state()
    if not tensors:
        return None
    return ClipState(job.journal.clips, tensors["motion_pixels"], tensors.get("legacy_generator"))
