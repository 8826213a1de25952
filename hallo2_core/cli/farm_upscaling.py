"""On a worker: animates a video of the farm while other processes upscale what is finished of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..animation.job_key import Render
from ..animation.render import render_video
from ..farm.crew import UPSCALE_PART, Crew, Helpers
from ..farm.enlarger import Enlargement, Enlarger, ahead_clips
from ..farm.orders import OUT, Order
from ..farm.worker import Report, once_free
from ..farm.workplace import Workplace, animated_name, localized
from ..jobs.choice import choose_job
from ..jobs.journal import newest_journal
from ..runtime import Runtime
from ..upscaling.job_key import Upscale, upscale_key
from ..upscaling.pieces import cut_pieces
from ..upscaling.plan import Plan, plan_for, plan_upscale
from ..upscaling.render import UpscaledVideo, upscale_video
from ..video.orientation import Orientation
from ..video.reader import VideoInfo, check_undamaged, probe
from . import animate, upscale
from .farm_options import parsed, reporting_runtime
from .result import chosen_place

# Given a function that makes an `Enlarger` on any machine.
Hire = Callable[[Callable[[], Enlarger]], Helpers]


def upscaled_meanwhile(order: Order, place: Workplace, hire: Hire, report: Report) -> tuple[UpscaledVideo, Crew]:
    """The same file as by animating and then upscaling in one process. The crew says who upscaled."""
    here = place.order
    options = parsed(animate, {**here.options, OUT: animated_name(here.out)})
    runtime = reporting_runtime(options, "animate", report)
    render, animation, path = animate.prepared(options, runtime)
    upscaling = _Upscaling(
        parsed(upscale, {**here.upscale, "video": str(path), OUT: here.out}), _info_of(render), report
    )
    what = Enlargement(
        place.shared(animation.folder), place.shared(upscaling.folder), render.speech.frames, render.speech.fps
    )
    helpers = hire(partial(_enlarger_elsewhere, order.upscale, upscaling.plan, what))
    done = upscaling.finished_frames(animation.folder)
    pieces = [piece for piece in cut_pieces(what.frames) if piece.stop > done]
    finished, arithmetic = partial(place.shared_frames, animation.folder), upscaling.runtime.arithmetic()
    with Crew(pieces, what.frames, upscaling.plan.settings, helpers, arithmetic, finished, report) as crew:
        video = once_free(partial(render_video, render, animation, path, runtime), report)
        del render  # makes room for the upscaler
        place.share()
        own = cache(partial(Enlarger, replace(what, job=str(animation.folder.absolute())), upscaling.networks))
        crew.finish(lambda piece: own().enlarge(piece))
    return once_free(partial(upscaling.joined, what, animation.folder, video.path), report), crew


class _Upscaling:
    """Of one animation, whose file may not exist yet."""

    def __init__(self, options: argparse.Namespace, animated: VideoInfo, report: Report) -> None:
        self.plan = plan_for(animated, upscale.chosen_request(options))
        self.runtime = reporting_runtime(options, UPSCALE_PART, report)
        self._options, self._loaded = options, None
        self._out, self.folder = chosen_place(options)

    def networks(self) -> tuple[Upscale, Runtime]:
        if self._loaded is None:
            self._loaded = upscale.loaded(self._options, self.plan, self.runtime)
        return self._loaded, self.runtime

    def finished_frames(self, animation: Path) -> int:
        """What an earlier worker has put in order already. animation: its job."""
        journal = newest_journal(animation)
        video = None if journal is None else journal.published(animation)
        if video is None:
            return 0
        job = choose_job(self.folder, upscale_key(self._of(video), self.runtime))
        journal = newest_journal(job.folder) or job.journal
        return journal.key.frames if journal.published(job.folder) is not None else journal.frames

    def joined(self, what: Enlargement, animation: Path, video: Path) -> UpscaledVideo:
        """Put the waiting clips in order and finish the file. A clip that is missing is made now."""
        if self._options.strict:
            check_undamaged(video)
        whole = self._of(video)
        made_for = replace(what, fps=probe(video).nominal_fps)
        ahead = ahead_clips(made_for, whole, self.runtime, newest_journal(animation).key)
        job = choose_job(self.folder, upscale_key(whole, self.runtime))
        with job:
            resumed_from_clip = job.journal.clips
            if job.finished is None:
                ahead.append_to(job)
        upscaled = upscale_video(whole, job, self._out, self.runtime)
        ahead.remove_all()
        return replace(upscaled, resumed_from_clip=resumed_from_clip)

    def _of(self, video: Path) -> Upscale:
        """As if it had just been planned from the finished file."""
        plan = plan_upscale(video, upscale.chosen_request(self._options))
        loaded, _ = self.networks()
        return replace(loaded, source=video, settings=plan.settings, video_settings=plan.video_settings)


def _enlarger_elsewhere(options: Mapping[str, Any], plan: Plan, what: Enlargement) -> Enlarger:
    """On any machine. options: with addresses, if there are any."""
    named = parsed(upscale, {**localized(options), "video": what.job, OUT: what.ahead})
    runtime = reporting_runtime(named, UPSCALE_PART, lambda progress: None)
    return Enlarger(what, lambda: (upscale.loaded(named, plan, runtime), runtime))


def _info_of(render: Render) -> VideoInfo:
    """What the finished animation will say about itself."""
    portrait, speech = render.inputs.reference.portrait, render.speech
    return VideoInfo(
        portrait.width, portrait.height, speech.fps, speech.frames, float(speech.frames / speech.fps), Orientation(),
        render.settings.codec, "", has_audio=True,
    )  # fmt: skip
