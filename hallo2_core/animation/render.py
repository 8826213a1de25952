"""Animate and write, so that nothing finished can be lost: a job of clips, then one file with the sound."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from ..jobs.job import Job
from ..runtime import Runtime
from ..video.clips import encode_clip, join_clips
from ..video.target import check_target
from .animate import ClipState, FinishedClip, animate, count_clips
from .checks import check_performance
from .job_key import Render


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
    work starts where parts do not fit together or the job's folder belongs to another video.
    """
    check_performance(render.performance, render.speech)
    portrait, speech = render.performance.reference.portrait, render.speech
    with job:
        resumed_from_clip = job.journal.clips
        if job.finished is None:
            check_target(path)
            _make_clips(render, job, runtime)
            joined = join_clips(job.segments, path, speech.fps, render.settings, speech.audio)
            job.publish(joined.path)
        return RenderedVideo(
            job.finished, speech.frames, speech.fps, portrait.width, portrait.height, resumed_from_clip
        )


def _make_clips(render: Render, job: Job, runtime: Runtime) -> None:
    """One clip is encoded and written while the next one is denoised. Stopped, the one in hand is still finished."""
    if job.journal.clips == count_clips(render.performance, render.speech):
        return
    clips = animate(render.performance, render.speech, render.codec, runtime, _state_of(job))
    first_frame = job.journal.frames
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hallo2-writer") as writer:
        written: Future[None] | None = None
        for clip in clips:
            if written is not None:
                written.result()  # raises what went wrong there; and no more than one clip ever waits
            written = writer.submit(_write_clip, render, job, clip, first_frame)
            first_frame += len(clip.frames)
            del clip
        if written is not None:
            written.result()


def _write_clip(render: Render, job: Job, clip: FinishedClip, first_frame: int) -> None:
    encoded = encode_clip(clip.frames, first_frame, render.speech.fps, render.settings)
    job.append(encoded, len(clip.frames), _tensors_of(clip.following))


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
