"""On a worker: animates a video of the farm while other processes upscale what is finished of it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..farm.crew import Crew
from ..farm.enlarger import Enlargement, Enlarger, ahead_clips
from ..farm.orders import OUT, Order
from ..farm.worker import Report, once_free
from ..farm.workplace import Workplace, localized
from ..jobs.choice import choose_job
from ..jobs.journal import newest_journal
from ..runtime import Runtime
from ..upscaling.job_key import Upscale, upscale_key
from ..upscaling.pieces import Piece, cut_pieces
from ..upscaling.plan import Plan, plan_for, plan_upscale
from ..upscaling.render import UpscaledVideo, upscale_video
from ..video.reader import VideoInfo, check_undamaged, probe
from . import upscale
from .farm_animation import Animation, Hire
from .farm_options import parsed, reporting_runtime
from .result import chosen_place

PART = "upscale"


def upscaled_afterwards(place: Workplace, animation: Animation, report: Report) -> UpscaledVideo:
    video = animation.finish()
    animation.release()
    options = parsed(upscale, {**place.order.upscale, "video": str(video.path), OUT: place.order.out})
    runtime = reporting_runtime(options, PART, report)
    return once_free(lambda: upscale.upscaled(options, runtime), report)


def upscaled_meanwhile(
    order: Order, place: Workplace, animation: Animation, hire: Hire, report: Report
) -> tuple[UpscaledVideo, Mapping[str, Any]]:
    """The same file as `upscaled_afterwards`, and figures on who upscaled. order: as it is on any machine."""
    options = parsed(upscale, {**place.order.upscale, "video": str(animation.path), OUT: place.order.out})
    upscaling = _Upscaling(options, animation.info, report)
    job = animation.job.folder
    what = Enlargement(place.shared(job), place.shared(upscaling.folder), animation.frames, animation.fps)
    helpers = hire(partial(_enlarger_elsewhere, order.upscale, upscaling.plan, what))
    done = upscaling.finished_frames(job)
    pieces = [piece for piece in cut_pieces(what.frames) if piece.stop > done]

    def is_ready(piece: Piece) -> bool:
        return piece.source(upscaling.plan.settings, what.frames).stop <= place.shared_frames(job)

    with Crew(pieces, what.frames, helpers, upscaling.runtime.arithmetic(), report, PART, is_ready) as crew:
        video = animation.finish()
        animation.release()
        place.share()
        own = cache(partial(Enlarger, replace(what, job=str(job.absolute())), upscaling.networks))
        crew.finish(lambda piece: own().do(piece))
    return once_free(partial(upscaling.joined, what, job, video.path), report), {PART: crew.figures()}


class _Upscaling:
    """Of one animation, whose file may not exist yet."""

    def __init__(self, options: argparse.Namespace, animated: VideoInfo, report: Report) -> None:
        self.plan = plan_for(animated, upscale.chosen_request(options))
        self.runtime = reporting_runtime(options, PART, report)
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
        key = upscale_key(whole, self.runtime)
        with choose_job(self.folder, key) as job:
            resumed_from_clip = job.journal.clips
            if job.finished is None:
                ahead.append_to(job)
        upscaled = upscale_video(whole, choose_job(self.folder, key), self._out, self.runtime)
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
    runtime = reporting_runtime(named, PART, lambda progress: None)
    return Enlarger(what, lambda: (upscale.loaded(named, plan, runtime), runtime))
