"""Long video: the identity over the length of the video, with patch-drop and noise, and without either."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean

from torch import Tensor

from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.inspection.curve import Curve
from hallo2_core.inspection.plots import TitledCurve, draw_panels
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.training.actor_recognition import ActorRecognizer, face_place
from hallo2_core.training.cartoons import FPS, Actor, Performance, Tracks, draw, performance

from .clips import SPLIT, SmallPipeline
from .figures import Figure

FIRST_SECONDS, LAST_SECONDS = 10, 60
BOTH, NEITHER = "drop and noise", "neither"
NOT_IN_TRAINING = "neither, nor in training"
# The paper's tables 3 to 5: what is done to the motion frames. Table 4's row for a rate of 0.25 has the figures that
# patch-drop without noise has in table 5, so tables 3 and 4 are taken to have no noise.
VARIANTS: Mapping[str, PatchDropConfig] = {
    BOTH: PatchDropConfig(rate=0.25, noise_as_trained=True),
    NEITHER: PatchDropConfig(rate=0.0),
    "drop only": PatchDropConfig(rate=0.25),
    "noise only": PatchDropConfig(rate=0.0, noise_as_trained=True),
    "drop rate 0.1": PatchDropConfig(rate=0.1),
    "drop rate 0.5": PatchDropConfig(rate=0.5),
    "patches of 4": PatchDropConfig(patch_px=4),
    "patches of 16": PatchDropConfig(patch_px=16),
}


@dataclass(frozen=True)
class IdentityOverTime:
    """Cosine to the portrait: over the whole video, in its first ten seconds and in its last minute."""

    curve: Curve
    frames: int
    first: float
    last: float

    @property
    def kept(self) -> float:
        return self.last / self.first


def long_figures(
    pipeline: SmallPipeline,
    recognizer: ActorRecognizer,
    seed: int,
    seconds: float,
    variants: Sequence[str],
    plot: Path | None,
    clean_motion: Hallo2Models | None = None,
) -> list[Figure]:
    """clean_motion: a model that was trained with motion frames that had neither drop nor noise."""
    played = performance(seed, SPLIT, seconds)
    size_px, portrait = pipeline.settings.size_px, pipeline.portrait(seed, played)
    measured = {}
    for name in variants:
        clips = pipeline.talk(portrait, played.samples, patch_drop=VARIANTS[name])
        measured[name] = identity_over_time(clips, recognizer, seed, played, size_px)
    if clean_motion is not None:
        clips = pipeline.talk(portrait, played.samples, models=clean_motion, patch_drop=VARIANTS[NEITHER])
        measured[NOT_IN_TRAINING] = identity_over_time(clips, recognizer, seed, played, size_px)
    if plot is not None:
        curves = [TitledCurve(f"identity, {name}", found.curve) for name, found in measured.items()]
        draw_panels(curves, played.frames, Fraction(FPS)).save(plot)
    truth = _of_truth(recognizer, seed, played, size_px)
    figures = []
    for name, found in measured.items():
        least = {"least": 0.97} if name == BOTH else {}
        figures.append(Figure(f"identity, last minute / first 10 s, {name}", found.kept, **least, truth=truth))
        figures.append(Figure(f"identity of the first 10 s, {name}", found.first))
    gains = {NEITHER: "what drop and noise add to that ratio", NOT_IN_TRAINING: "what they add, in training too"}
    for without, what in gains.items():
        if BOTH in measured and without in measured:
            figures.append(Figure(what, measured[BOTH].kept - measured[without].kept, least=0.0))
    figures.append(Figure("identity of another actor", _of_another(recognizer, seed, size_px)))
    return figures


def identity_over_time(
    clips: Iterable[Tensor], recognizer: ActorRecognizer, seed: int, played: Performance, size_px: int
) -> IdentityOverTime:
    """clips: (f h w 3), 0..1, in order; together as long as the performance. Holds one of them."""
    box = face_place(seed, SPLIT, size_px)
    known = recognizer.embed(draw(Actor.from_seed(seed, SPLIT), played.tracks[0:1], size_px), box)[0]
    curve, first, last = Curve(), [], []
    frames = played.frames
    head, tail = _ends(frames)
    number = 0
    for clip in clips:
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
