"""Upscales pieces of an animation that is still being made: in an actor, or in the animation's own process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..jobs.fingerprint import fingerprint
from ..jobs.key import JobKey
from ..runtime import Runtime
from ..upscaling.job_key import Upscale, result_request, upscale_arithmetic
from ..upscaling.pieces import Piece, upscale_piece
from .ahead_clips import AheadClips, AheadWriter
from .shared_folder import shared_folder
from .unfinished_video import UnfinishedVideo


@dataclass(frozen=True)
class Enlargement:
    """What to upscale, and where it is; only paths and numbers."""

    job: str  # the animation's: a path or an address
    ahead: str  # the folder of the upscale's job
    frames: int
    fps: Fraction


class Enlarger:
    """A `crew.Worker`. Holds the networks from piece to piece."""

    def __init__(self, what: Enlargement, load: Callable[[], tuple[Upscale, Runtime]]) -> None:
        self._what = what
        self._scratch = tempfile.TemporaryDirectory(prefix="hallo2-enlarger-")
        self._video = UnfinishedVideo(what.job, Path(self._scratch.name), what.fps)
        self._upscale, self._runtime = load()

    def arithmetic(self) -> Mapping[str, str]:
        return self._runtime.arithmetic()

    def do(self, piece: Piece) -> None:
        ahead = ahead_clips(self._what, self._upscale, self._runtime, self._video.journal().key)
        missing = piece.without(ahead.names())
        if missing is None:
            return
        frames = self._video.frames(missing.source(self._upscale.settings, self._what.frames))
        store = AheadWriter(ahead, missing.clips.start)
        upscale_piece(self._upscale, missing, frames, self._what.fps, store, self._runtime)


def ahead_clips(what: Enlargement, upscale: Upscale, runtime: Runtime, animation: JobKey) -> AheadClips:
    """animation: the key in its journal. Together they determine every frame."""
    request, arithmetic = result_request(upscale), upscale_arithmetic(upscale, runtime)
    key = fingerprint(animation, request, arithmetic, what.frames, what.fps)
    return AheadClips(shared_folder(what.ahead), key)
