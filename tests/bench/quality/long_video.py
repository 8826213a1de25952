"""Long video: the identity over the length of the video, with patch-drop and noise, and without either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean

from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.inspection.curve import Curve
from hallo2_core.inspection.plots import TitledCurve, draw_panels
from hallo2_core.training.actor_recognition import ActorRecognizer, face_place
from hallo2_core.training.cartoons import FPS, Actor, Performance, Tracks, draw, performance

from .clips import SPLIT, SmallPipeline
from .figures import Figure

FIRST_SECONDS, LAST_SECONDS = 10, 60
BOTH, NEITHER = "drop and noise", "neither"
# The paper's tables 3 to 5: what is done to the motion frames.
VARIANTS: Mapping[str, PatchDropConfig] = {
    BOTH: PatchDropConfig(rate=0.25, noise_as_trained=True),
    NEITHER: PatchDropConfig(rate=0.0),
    "drop only": PatchDropConfig(rate=0.25),
    "noise only": PatchDropConfig(rate=0.0, noise_as_trained=True),
    "drop rate 0.1": PatchDropConfig(rate=0.1, noise_as_trained=True),
    "drop rate 0.5": PatchDropConfig(rate=0.5, noise_as_trained=True),
    "patches of 4": PatchDropConfig(patch_px=4, noise_as_trained=True),
    "patches of 16": PatchDropConfig(patch_px=16, noise_as_trained=True),
}


@dataclass(frozen=True)
class IdentityOverTime:
    """Cosine to the portrait: over the whole video, in its first ten seconds and in its last minute."""

    curve: Curve
    frames: int
    first: float
    last: float


def long_figures(
    pipeline: SmallPipeline,
    recognizer: ActorRecognizer,
    seed: int,
    seconds: float,
    variants: Sequence[str],
    plot: Path | None,
) -> list[Figure]:
    played = performance(seed, SPLIT, seconds)
    measured = {name: _made(pipeline, recognizer, seed, played, VARIANTS[name]) for name in variants}
    if plot is not None:
        curves = [TitledCurve(f"identity, {name}", found.curve) for name, found in measured.items()]
        draw_panels(curves, played.frames, Fraction(FPS)).save(plot)
    truth = _of_truth(recognizer, seed, played, pipeline.settings.size_px)
    figures = []
    for name, found in measured.items():
        least = {"least": 0.97} if name == BOTH else {}
        ratio = found.last / found.first
        figures.append(Figure(f"identity, last minute / first 10 s, {name}", ratio, **least, truth=truth))
        figures.append(Figure(f"identity of the first 10 s, {name}", found.first))
    if BOTH in measured and NEITHER in measured:
        gain = measured[BOTH].last / measured[BOTH].first - measured[NEITHER].last / measured[NEITHER].first
        figures.append(Figure("what drop and noise add to that ratio", gain, least=0.0))
    figures.append(Figure("identity of another actor", _of_another(recognizer, seed, pipeline.settings.size_px)))
    return figures


def _made(
    pipeline: SmallPipeline,
    recognizer: ActorRecognizer,
    seed: int,
    played: Performance,
    patch_drop: PatchDropConfig,
) -> IdentityOverTime:
    """Holds one clip at a time."""
    box = face_place(seed, SPLIT, pipeline.settings.size_px)
    known = recognizer.embed(draw(Actor.from_seed(seed, SPLIT), played.tracks[0:1], pipeline.settings.size_px), box)[0]
    curve, first, last = Curve(), [], []
    frames = played.frames
    head, tail = _ends(frames)
    number = 0
    for clip in pipeline.talk(pipeline.portrait(seed, played), played.samples, patch_drop=patch_drop):
        for value in (recognizer.embed(clip, box) @ known).tolist():
            curve.add(number, value)
            if number < head:
                first.append(value)
            if number >= frames - tail:
                last.append(value)
            number += 1
    return IdentityOverTime(curve, frames, fmean(first), fmean(last))


def _of_truth(recognizer: ActorRecognizer, seed: int, played: Performance, size_px: int) -> float:
    """The same ratio, of drawn frames."""
    actor, box = Actor.from_seed(seed, SPLIT), face_place(seed, SPLIT, size_px)
    known = recognizer.embed(draw(actor, played.tracks[0:1], size_px), box)[0]
    head, tail = _ends(played.frames)
    spans = played.tracks[:head], played.tracks[played.frames - tail :]
    first, last = (float((recognizer.embed(draw(actor, span, size_px), box) @ known).mean()) for span in spans)
    return last / first


def _of_another(recognizer: ActorRecognizer, seed: int, size_px: int) -> float:
    """Mean cosine of this actor's face to those of the next eight."""
    faces = [
        recognizer.embed(
            draw(Actor.from_seed(other, SPLIT), Tracks.still(), size_px), face_place(other, SPLIT, size_px)
        )
        for other in range(seed, seed + 9)
    ]
    return fmean([float(faces[0][0] @ other[0]) for other in faces[1:]])


def _ends(frames: int) -> tuple[int, int]:
    """The frames of the beginning and of the end; of short videos the first and the last third."""
    third = max(frames // 3, 1)
    return min(FIRST_SECONDS * FPS, third), min(LAST_SECONDS * FPS, third)
