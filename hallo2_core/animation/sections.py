"""A long video in sections that are rendered side by side: each begins again with the portrait.

All of them hear the whole voice and follow the same timelines and seeds, so a section differs from the same clips of an
uncut video only in the motion frames that it begins with.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from torch import Tensor

from ..errors import JobError, SettingsError
from ..jobs.fingerprint import fingerprint
from ..jobs.folder import remove_unfinished
from ..jobs.job import Job
from ..jobs.key import JobKey
from ..runtime import Runtime, RuntimeWrapper
from ..video.join import join_clips
from ..video.metadata import GENERATED, file_metadata
from ..video.target import TargetFile, check_target
from .animate import animate, count_clips
from .background_finisher import BackgroundFinisher
from .checks import check_inputs
from .clip_state import first_state
from .job_key import Render
from .memory import check_memory, memory_need
from .record import render_record
from .render import RenderedVideo, keep_clip, state_of


@dataclass(frozen=True)
class Section:
    """Some clips of a video."""

    number: int  # from 1
    first_clip: int
    clips: int
    first_frame: int
    frames: int


def cut_sections(render: Render, cuts: Sequence[int]) -> list[Section]:
    """cuts: the first clip of each section but the first, in order. Errors: SettingsError for the release's random
    numbers, which depend on all clips before."""
    if render.inputs.sampler.legacy_rng:
        raise SettingsError(
            "Sections cannot be rendered side by side with the release's random numbers (legacy_rng), which depend on "
            "all clips before. Leave out one of them."
        )
    clip_frames, frames = render.inputs.motion.clip.frames, render.speech.frames
    borders = [0, *cuts, count_clips(render.inputs, render.speech)]
    return [
        Section(number, first, end - first, first * clip_frames, min(end * clip_frames, frames) - first * clip_frames)
        for number, (first, end) in enumerate(pairwise(borders), start=1)
    ]


def sectioned_key(key: JobKey, sections: Sequence[Section]) -> JobKey:
    """Of the whole video. key: of the same video in one go."""
    cuts = [section.first_clip for section in sections[1:]]
    return replace(key, request={**key.request, "sections": fingerprint(cuts)}) if cuts else key


def section_key(key: JobKey, section: Section) -> JobKey:
    """The other sections do not matter. key: as in `sectioned_key`."""
    part = fingerprint([section.first_clip, section.clips])
    what = f"section {section.number} of an {key.what}"
    return replace(key, request={**key.request, "section": part}, what=what, frames=section.frames)


def render_section(render: Render, section: Section, job: Job, runtime: Runtime) -> None:
    """Finish the section's clips in its job, which keeps them until they are joined. Resumes after a stop."""
    check_inputs(render.inputs, render.speech)
    with job:
        done = job.journal.clips
        if done == section.clips:
            return
        check_memory(memory_need(render.inputs, render.speech.encoder), runtime.memory())
        begin = replace(first_state(render.inputs), number=section.first_clip)
        kept = state_of(job)
        start = begin if kept is None else replace(kept, number=section.first_clip + done)
        clips_in_all = count_clips(render.inputs, render.speech)
        with BackgroundFinisher(_SectionRuntime(runtime, section, clips_in_all)) as finisher:
            clips = animate(render.inputs, render.speech, render.codec, finisher.runtime, start)
            for clip in islice(clips, section.clips - done):
                finisher.take(keep_clip, render, job, clip)
                del clip


def join_sections(
    render: Render, sections: Sequence[Section], parts: Sequence[Job], job: Job, path: Path, runtime: Runtime
) -> RenderedVideo:
    """One file with the whole sound. parts: the jobs of the sections, which are removed once the file is there.

    Errors: JobError if one is not finished, or belongs to another video.
    """
    portrait, speech = render.inputs.reference.portrait, render.speech
    with job, ExitStack() as held:
        for part in parts:
            if job.finished is None or part.folder.exists():
                held.enter_context(part)
        if job.finished is None:
            check_target(path)
            segments: dict[Path, int] = {}
            for section, part in zip(sections, parts, strict=True):
                if part.journal.clips != section.clips:
                    raise JobError(f"{part.folder} is not finished. Run the same again to continue.")
                segments |= part.segments
            record = render_record(render, job.journal.key)
            record["settings"]["sections"] = [section.first_frame for section in sections]
            with TargetFile(path, job.folder) as video:
                metadata = file_metadata(render.metadata, GENERATED, record)
                join_clips(segments, video, speech.fps, speech.audio, runtime.check_cancelled, metadata)
                job.publish(video)
        for part in parts:
            remove_unfinished(part.folder)
    return RenderedVideo(job.finished, speech.frames, speech.fps, portrait.width, portrait.height, 0)


class _SectionRuntime(RuntimeWrapper):
    """Progress within the section."""

    def __init__(self, runtime: Runtime, section: Section, clips: int) -> None:
        super().__init__(runtime)
        self._section, self._clips = section, clips

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        """done, total: of the whole video."""
        steps = total // self._clips  # of a clip
        super().progress(done - self._section.first_clip * steps, self._section.clips * steps, preview)
