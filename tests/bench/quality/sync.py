"""Sync: does the mouth do what the sound asks for, and what no other sound does?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from torch import Tensor

from hallo2_core.training.cartoons import performance
from hallo2_core.training.frame_reading import FrameReader
from hallo2_core.training.mouth_reading import correlation

from .clips import SPLIT, Clip
from .figures import Figure

NEAREST_SHIFT, FURTHEST_SHIFT = 3, 12  # frames
OTHER_SENTENCE = 10_000  # added to the seed


def sync_figures(clips: Sequence[Clip], readers: Sequence[FrameReader]) -> list[Figure]:
    readings = [[reader.read(frames) for frames in clip.kinds] for clip, reader in zip(clips, readers, strict=True)]
    opening, width, passed = [], [], []
    for kind in range(3):
        mouths = [of_clip[kind] for of_clip in readings]
        pairs = list(zip(mouths, clips, strict=True))
        opening.append(fmean([correlation(mouth[:, 0], clip.truth.mouth_opening) for mouth, clip in pairs]))
        width.append(fmean([correlation(mouth[:, 1], clip.truth.mouth_width) for mouth, clip in pairs]))
        passed.append(fmean([float(is_the_sound(mouth[:, 0], clip)) for mouth, clip in pairs]))
    best = [best_shift(of_clip[0][:, 0], clip) for of_clip, clip in zip(readings, clips, strict=True)]
    return [
        Figure("correlation of the mouth's opening", opening[0], 0.9, truth=opening[1], through_vae=opening[2]),
        Figure("correlation of the mouth's width", width[0], 0.5, truth=width[1], through_vae=width[2]),
        Figure("clips whose own sound scores best", passed[0], 0.95, truth=passed[1], through_vae=passed[2]),
        Figure("mean of the best shift, frames", fmean(best)),
    ]


def is_the_sound(opening: Tensor, clip: Clip) -> bool:
    """Whether the clip's own sound scores above itself, shifted by 3 to 12 frames either way, and another sentence."""
    asked = clip.played.tracks.mouth_open
    other = performance(clip.seed + OTHER_SENTENCE, SPLIT, clip.played.frames / 25).tracks.mouth_open
    shifts = [
        sign * frames for frames in range(NEAREST_SHIFT, min(FURTHEST_SHIFT, len(opening) // 3) + 1) for sign in (-1, 1)
    ]
    wrong = [score(opening, asked, shift) for shift in shifts] + [score(opening, other, 0)]
    return score(opening, asked, 0) > max(wrong)


def best_shift(opening: Tensor, clip: Clip) -> int:
    """In frames; positive: the mouth is late."""
    asked = clip.played.tracks.mouth_open
    return max(range(-FURTHEST_SHIFT, FURTHEST_SHIFT + 1), key=lambda shift: score(opening, asked, shift))


def score(opening: Tensor, asked: Tensor, shift: int) -> float:
    """Correlation of the mouth read (f) with what a sound asks for (f), the sound played `shift` frames later."""
    late, early = max(shift, 0), max(-shift, 0)
    frames = min(len(opening), len(asked))
    return correlation(opening[late : frames - early], asked[early : frames - late])
