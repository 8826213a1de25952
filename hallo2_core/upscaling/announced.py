"""Reports what a job makes of a video, the remaining time and, after a stop, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..animation.eta import EtaRuntime
from ..jobs.job import Job
from ..runtime import Runtime
from .clip_writer import CLIP_FRAMES


@contextmanager
def announced(job: Job, frames: int, width: int, height: int, runtime: Runtime) -> Iterator[Runtime]:
    """Yield the runtime that reports while the job's clips are made. frames: as expected, of the whole video."""
    frames = max(frames, job.journal.frames)
    clips = -(-frames // CLIP_FRAMES)
    try:
        yield EtaRuntime(runtime, f"{frames} frames of {width}x{height}", clips, burst=CLIP_FRAMES)
    except BaseException:
        runtime.notify(f"Stopped: {job.journal.clips} of {clips} clips are kept. Run the same again to continue.")
        raise
    runtime.notify(job.note)
