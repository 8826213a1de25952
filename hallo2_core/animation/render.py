"""Animate and write without losing finished work: a job of clips, then one file with the audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from torch import Tensor

from ..jobs.job import Job
from ..runtime import Runtime
from ..video.clips import ClipEncoder
from ..video.growing import GrowingVideo
from ..video.join import join_clips
from ..video.metadata import GENERATED, file_metadata
from ..video.target import TargetFile, check_target
from .animate import FinishedClip, animate, count_clips
from .background_finisher import BackgroundFinisher
from .checks import advice, check_inputs
from .clip_state import ClipState
from .estimate import check_room, estimate_video
from .eta import EtaRuntime
from .job_key import Render
from .memory import check_memory, memory_need
from .record import render_record
from .steady import SteadyFrames, last_shown


@dataclass(frozen=True)
class RenderedVideo:
    """A finished file."""

    path: Path
    frames: int
    fps: Fraction
    width: int
    height: int
    resumed_from_clip: int  # 0: rendered without interruption

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


def render_video(render: Render, job: Job, path: Path, runtime: Runtime) -> RenderedVideo:
    """Write the whole video to `path`, with its audio. job: with this render's key.

    After a stop at any moment, the same call resumes at the next clip, with the same frames as without a stop. If the
    video is finished, it returns at once. The file gets its name once it is complete. Raises a Hallo2Error before the
    work starts if parts are incompatible, disk or memory is too small, or the job's folder belongs to another video.
    """
    check_inputs(render.inputs, render.speech)
    portrait, speech = render.inputs.reference.portrait, render.speech
    with job:
        resumed_from_clip = job.journal.clips
        if job.finished is None:
            check_target(path)
            with _announced(render, job, path, runtime) as announcing:
                _make_clips(render, job, announcing)
                with TargetFile(path, job.folder) as video:
                    metadata = file_metadata(render.metadata, GENERATED, render_record(render, job.journal.key))
                    join_clips(job.segments, video, speech.fps, speech.audio, announcing.check_cancelled, metadata)
                    job.publish(video)
            runtime.watchable(job.finished)
        elif job.note:
            runtime.notify(job.note)
        return RenderedVideo(
            job.finished, speech.frames, speech.fps, portrait.width, portrait.height, resumed_from_clip
        )


@contextmanager
def _announced(render: Render, job: Job, path: Path, runtime: Runtime) -> Iterator[Runtime]:
    """Refuse a video that disk or memory cannot hold. Otherwise report what it needs and, once known, the time.
    Yields the runtime that does so."""
    speech, inputs = render.speech, render.inputs
    pixels, clip_frames = inputs.reference.portrait.pixels, inputs.motion.clip.frames
    need = memory_need(inputs, speech.encoder)
    check_memory(need, runtime.memory())
    estimate = estimate_video(pixels, speech.frames, clip_frames, speech.fps, render.settings, speech.audio)
    check_room(estimate, job, path)
    kept = f"{job.journal.clips} of {estimate.clips} clips are finished already." if job.journal.clips else ""
    better = advice(inputs)
    runtime.notify(" ".join(filter(None, (job.note, better, kept, f"{estimate}; {need}"))))
    try:
        yield EtaRuntime(runtime, " ".join(filter(None, (better, str(estimate)))), estimate.clips)
    except BaseException:
        finished = f"{job.journal.clips} of {estimate.clips} clips are kept"
        runtime.notify(f"Stopped: {finished}. Run the same again to continue.")
        raise
    runtime.notify(job.note)


def _make_clips(render: Render, job: Job, runtime: Runtime) -> None:
    """Finish one clip while the next is denoised. After a stop, the current clip is still finished."""
    if job.journal.clips == count_clips(render.inputs, render.speech):
        return
    growing = GrowingVideo(job.growing, render.speech.fps, render.speech.audio)
    with growing, BackgroundFinisher(runtime) as finisher:
        finisher.take(_begin_growing, growing, dict(job.segments), runtime)
        for clip in animate(render.inputs, render.speech, render.codec, finisher.runtime, state_of(job)):
            finisher.take(_finish_clip, render, job, clip, growing, runtime)
            del clip
    growing.remove()  # it would take room from the file that is joined now


def _begin_growing(growing: GrowingVideo, segments: Mapping[Path, int], runtime: Runtime) -> None:
    """Write what was finished before a stop again: the sound's encoder has to continue from there."""
    for path, frames in segments.items():
        growing.append(path, frames)
    if segments:
        runtime.watchable(growing.path)


def _finish_clip(render: Render, job: Job, clip: FinishedClip, growing: GrowingVideo, runtime: Runtime) -> None:
    before = job.frames_in_segment
    content, frames = keep_clip(render, job, clip)
    growing.append(BytesIO(content), frames, before)
    runtime.watchable(growing.path)


def keep_clip(render: Render, job: Job, clip: FinishedClip) -> tuple[bytes, int]:
    """Decode the remaining frames, encode, write. Returns what was written, and the number of frames."""
    portrait = render.inputs.reference.portrait
    size = portrait.width, portrait.height
    steady = _steady_frames(render, job)
    with ClipEncoder(*size, job.frames_in_segment, render.speech.fps, render.settings) as encoder:
        for frame in clip.frames:
            encoder.write(steady.next(frame).unsqueeze(0))
        content = encoder.finish()
        job.append(content, encoder.frames, {**_tensors_of(clip.following), **steady.state()})
    return content, encoder.frames


def _steady_frames(render: Render, job: Job) -> SteadyFrames:
    """Continued from the last frame in the job."""
    state = job.state() if render.steady.levels else {}
    return SteadyFrames(render.steady, last_shown(state, render.inputs.motion.start_frames))


def _tensors_of(state: ClipState) -> dict[str, Tensor]:
    tensors = {"motion_pixels": state.motion_pixels}
    if state.legacy_generator is not None:
        tensors["legacy_generator"] = state.legacy_generator
    return tensors


def state_of(job: Job) -> ClipState | None:
    """Where the job stopped; None before the first clip."""
    tensors = job.state()
    if not tensors:
        return None
    return ClipState(job.journal.clips, tensors["motion_pixels"], tensors.get("legacy_generator"))
