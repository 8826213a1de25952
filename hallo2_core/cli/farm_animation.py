"""On a worker: animates a video of the farm, in one go or in sections that others help to render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..animation.animate import count_clips
from ..animation.job_key import Render, render_key
from ..animation.render import RenderedVideo, render_video
from ..animation.sections import Section, cut_sections, join_sections, render_section, section_key, sectioned_key
from ..audio.pauses import cut_at_pauses
from ..farm.crew import Crew, Helpers, Worker
from ..farm.orders import OUT, Order
from ..farm.worker import Progress, Report, once_free
from ..farm.workplace import Workplace, section_name, workplace
from ..inspection.section_seams import measure_seams
from ..jobs.choice import choose_job
from ..jobs.job import Job
from ..jobs.journal import newest_journal
from ..video.orientation import Orientation
from ..video.reader import VideoInfo
from . import animate
from .farm_options import parsed, reporting_runtime
from .result import chosen_place

PART, SECTIONS = "animate", "sections"
OF_THE_WHOLE = ("fresh", "job")  # options that sections do not take over: their jobs are beside the video

# Given a function that makes a worker on any machine.
Hire = Callable[[Callable[[], Worker]], Helpers]


class Animation:
    """One video, in one go."""

    def __init__(self, place: Workplace, out: str, report: Report) -> None:
        """out: where to write it, on this machine."""
        self._report = report
        self._options = parsed(animate, {**place.order.options, OUT: out})
        self._runtime = reporting_runtime(self._options, PART, report)
        self._render, self.job, self.path = animate.prepared(self._options, self._runtime)
        self.frames, self.fps = self._render.speech.frames, self._render.speech.fps

    @cached_property
    def info(self) -> VideoInfo:
        """What the finished file will say about itself."""
        portrait, settings = self._render.inputs.reference.portrait, self._render.settings
        return VideoInfo(
            portrait.width, portrait.height, self.fps, self.frames, float(self.frames / self.fps), Orientation(),
            settings.codec, "", has_audio=True,
        )  # fmt: skip

    def finish(self) -> RenderedVideo:
        return once_free(partial(render_video, self._render, self.job, self.path, self._runtime), self._report)

    def release(self) -> None:
        """Make room for other networks."""
        del self._render

    def figures(self) -> dict[str, dict[str, Any]]:
        """For the results, once it is finished: by part of the work, each with a note."""
        return {}


class SectionedAnimation(Animation):
    """One video in sections, which begin at pauses of the voice."""

    def __init__(self, order: Order, place: Workplace, out: str, hire: Hire, report: Report) -> None:
        """order: as it is on any machine. Its `out` is where sections are put, too."""
        super().__init__(place, out, report)
        render, self._order, self._hire = self._render, order, hire
        clips = count_clips(render.inputs, render.speech)
        clip_seconds = render.inputs.motion.clip.frames / self.fps
        self._cuts = cut_at_pauses(render.speech.voice, clips, clip_seconds, order.section_seconds)
        self.sections = cut_sections(render, [cut.clip for cut in self._cuts])
        _, folder = chosen_place(self._options)
        self.job = choose_job(folder, sectioned_key(render_key(render, self._runtime), self.sections))
        self._figures: dict[str, Any] = {}

    def finish(self) -> RenderedVideo:
        if len(self.sections) == 1:
            return super().finish()
        journal = newest_journal(self.job.folder)
        is_finished = journal is not None and journal.published(self.job.folder) is not None
        helpers = self._hire(partial(SectionRenderer, self._order, self._report))
        pieces = [] if is_finished else self.sections
        arithmetic = self._runtime.arithmetic()
        self._report(Progress(SECTIONS, 0, self.frames))  # before those of the sections
        with Crew(pieces, self.frames, helpers, arithmetic, self._report, SECTIONS) as crew:
            crew.finish(lambda section: _render_section(self._order, section, self._report, self._render))
        video = self._joined()
        by_whom, seams = crew.figures(), self._seams(video)
        notes = ", ".join(filter(None, (seams["note"], by_whom["note"])))
        self._figures = {**by_whom, **seams, "note": notes}
        return video

    def figures(self) -> dict[str, dict[str, Any]]:
        return {SECTIONS: self._figures} if self._figures else {}

    def _joined(self) -> RenderedVideo:
        key = render_key(self._render, self._runtime)
        with ExitStack() as held:
            orders = (_section_order(self._order, section) for section in self.sections)
            places = [held.enter_context(workplace(order)) for order in orders]
            folders = [_job_folder(place) for place in places]

            def join() -> RenderedVideo:
                whole = Job(self.job.folder, self.job.journal.key)  # a job is entered once
                parts = [
                    choose_job(folder, section_key(key, section))
                    for folder, section in zip(folders, self.sections, strict=True)
                ]
                return join_sections(self._render, self.sections, parts, whole, self.path, self._runtime)

            video = once_free(join, self._report)
        for place, folder in zip(places, folders, strict=True):
            place.forget(folder)
        return video

    def _seams(self, video: RenderedVideo) -> Mapping[str, Any]:
        seams = measure_seams(video.path, [section.first_frame for section in self.sections[1:]], self.fps)
        figures = [
            {
                "seconds": float(seam.frame / self.fps),
                "change": round(seam.change, 2),
                "usual": round(seam.usual, 2),
                "loudness_db": round(cut.loudness_db, 1),
            }
            for seam, cut in zip(seams, self._cuts, strict=True)
        ]
        jumps = [seam.jump for seam in seams if seam.jump is not None]
        worst = f"; the largest seam is {max(jumps):.1f} times the usual change" if jumps else ""
        return {"seams": figures, "note": f"{len(self.sections)} sections{worst}"}


class SectionRenderer:
    """A `crew.Worker`."""

    def __init__(self, order: Order, report: Report) -> None:
        self._order, self._report = order, report

    def arithmetic(self) -> Mapping[str, str]:
        options = parsed(animate, self._order.options)
        return reporting_runtime(options, PART, self._report).arithmetic()

    def do(self, section: Section) -> None:
        _render_section(self._order, section, self._report)


def _render_section(order: Order, section: Section, report: Report, render: Render | None = None) -> None:
    """render: None loads it."""
    with workplace(_section_order(order, section)) as place:
        options = parsed(animate, place.order.options)
        runtime = reporting_runtime(options, f"section {section.number}", report)
        if render is None:
            render, _, _ = animate.prepared(options, runtime)
        job = choose_job(_job_folder(place), section_key(render_key(render, runtime), section))
        once_free(partial(render_section, render, section, job, runtime), report)


def _section_order(order: Order, section: Section) -> Order:
    options = {name: value for name, value in order.options.items() if name not in OF_THE_WHOLE}
    return replace(order, options={**options, OUT: section_name(order.out, section.number)}, upscale=None)


def _job_folder(place: Workplace) -> Path:
    _, folder = chosen_place(parsed(animate, place.order.options))
    return folder
