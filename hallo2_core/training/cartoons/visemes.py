"""What the mouth does for each sound of speech, and how one sound's mouth flows into the next.

Each sound asks for an opening, a width, a rounding, teeth and tongue, and insists on each with its own strength: "p"
must shut the lips and leaves their width to its neighbors; "oo" rounds the sounds before and after it. A curve is the
mean of what all sounds ask for, weighted by strength and nearness in time (coarticulation by dominance).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import reduce
from torch import Tensor

from .espeak import Phoneme

REACH_SECONDS = 0.032  # how far a sound's weight reaches beyond its ends
FAR_SECONDS = 0.5  # a sound this far away weighs nothing
PIECE = 1000  # subframes at once, so that memory does not grow with the square of the length
GAIN = 1.6  # cartoons articulate: mid openings are raised, the widest stay
SUBFRAMES = 4  # a frame shows the mean of its time
CURVES = ("mouth_open", "mouth_width", "mouth_round", "teeth", "tongue")


@dataclass(frozen=True)
class Viseme:
    open: float
    width: float = 0.0
    round: float = 0.0
    teeth: float = 0.0
    tongue: float = 0.0
    insists: float = 1.0  # on the opening
    shapes: float = 1.0  # how much it insists on width and rounding

    def asked(self) -> Tensor:
        """(5): in the order of CURVES."""
        return torch.tensor([self.open, self.width, self.round, self.teeth, self.tongue])

    def strengths(self) -> Tensor:
        """(5): how much it insists on each."""
        return torch.tensor([self.insists, self.shapes, self.shapes, self.insists, self.insists])


def _table() -> dict[str, Viseme]:
    lips, teeth_on_lip = Viseme(0.0, insists=5.0, shapes=0.3), Viseme(0.07, 0.1, insists=4.0, shapes=0.4)
    hiss, hush = Viseme(0.14, 0.45, teeth=1.0, insists=2.0), Viseme(0.16, -0.1, 0.55, teeth=1.0, insists=2.0)
    tip = Viseme(0.18, 0.1, teeth=0.3, tongue=0.6, insists=1.2, shapes=0.4)
    between = Viseme(0.2, 0.15, tongue=1.0, insists=1.6, shapes=0.5)
    back = Viseme(0.24, insists=0.7, shapes=0.2)
    groups = {
        "pbm": lips, "fvʋɱ": teeth_on_lip, "sz": hiss, "ʃʒ": hush, "tdnɾ": tip, "lɫ": Viseme(0.3, 0.1, tongue=0.9),
        "θð": between, "kɡgŋxç": back, "hʔɦ": Viseme(0.25, insists=0.3, shapes=0.1),
        "ɹrɻɚɝ": Viseme(0.26, 0.0, 0.45, teeth=0.2), "wʍ": Viseme(0.14, 0.0, 1.0, insists=1.6, shapes=1.8),
        "j": Viseme(0.2, 0.6, teeth=0.3), "iɪᵻ": Viseme(0.28, 0.85, teeth=0.2, shapes=1.3), "y": Viseme(0.2, 0, 0.9),
        "e": Viseme(0.45, 0.6), "ɛæ": Viseme(0.64, 0.45), "a": Viseme(0.85, 0.25), "ɑ": Viseme(0.9, 0.0, 0.05),
        "ɐʌ": Viseme(0.62, 0.1), "ə": Viseme(0.36, 0.05, insists=0.6, shapes=0.3), "ɜ": Viseme(0.4, 0, 0.3),
        "ɒ": Viseme(0.75, 0.0, 0.35), "ɔ": Viseme(0.62, 0.0, 0.55), "o": Viseme(0.48, 0.0, 0.75, shapes=1.4),
        "ʊ": Viseme(0.32, 0.0, 0.75, shapes=1.3), "uʉ": Viseme(0.24, 0.0, 1.0, shapes=1.8),
    }  # fmt: skip
    return {sound: viseme for sounds, viseme in groups.items() for sound in sounds}


VISEMES = _table()
PAUSE = Viseme(0.0, insists=1.5, shapes=0.6)


def mouth_curves(phonemes: tuple[Phoneme, ...], frames: int, fps: float) -> dict[str, Tensor]:
    """The five curves of the mouth, (f) each, by their names in `Tracks`. Sounds that are unknown ask for nothing."""
    segments = [segment for phoneme in phonemes for segment in _segments(phoneme)]
    if not segments:
        return {name: torch.zeros(frames) for name in CURVES}
    starts, ends = (torch.tensor([segment[i] for segment in segments]) for i in (0, 1))
    strengths = torch.stack([segment[2].strengths() for segment in segments])
    asked = strengths * torch.stack([segment[2].asked() for segment in segments])
    pieces = []
    for first in range(0, frames * SUBFRAMES, PIECE):
        times = (torch.arange(first, min(first + PIECE, frames * SUBFRAMES)) + 0.5) / (SUBFRAMES * fps)
        near = (ends > times[0] - FAR_SECONDS) & (starts < times[-1] + FAR_SECONDS)
        nearness = _nearness(times, starts[near], ends[near])
        pieces.append((nearness @ asked[near]) / (nearness @ strengths[near]).clamp_min(1e-6))
    curves = reduce(torch.cat(pieces), "(f s) c -> f c", "mean", s=SUBFRAMES)
    curves = dict(zip(CURVES, curves.unbind(dim=1), strict=True))
    curves["mouth_open"] = GAIN * curves["mouth_open"] / (1 + (GAIN - 1) * curves["mouth_open"])
    return curves


def _segments(phoneme: Phoneme) -> list[tuple[float, float, Viseme]]:
    """A diphthong or an affricate is its letters one after another; marks of length and stress are no sounds."""
    if not phoneme.ipa.strip():
        return [(phoneme.start_seconds, phoneme.end_seconds, PAUSE)]
    visemes = [VISEMES[letter] for letter in phoneme.ipa if letter in VISEMES]
    each = (phoneme.end_seconds - phoneme.start_seconds) / max(len(visemes), 1)
    return [
        (phoneme.start_seconds + i * each, phoneme.start_seconds + (i + 1) * each, viseme)
        for i, viseme in enumerate(visemes)
    ]


def _nearness(times: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """(t n): 1 within a sound, falling off beyond its ends; short sounds keep a core that neighbors cannot drown."""
    away = torch.maximum(starts - times[:, None], times[:, None] - ends).clamp_min(0)
    return torch.exp(-((away / REACH_SECONDS) ** 1.5))
