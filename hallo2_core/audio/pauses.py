"""Finds where a voice pauses, to cut a long video there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from .waveform import AudioSource

LISTENED_SECONDS = 0.2  # on either side of a cut
SEARCHED_PART = 0.25  # of a section, on either side of its even length
SILENCE_DB = -120.0


@dataclass(frozen=True)
class Cut:
    """Before clip `clip`. loudness_db: of the sound around it, against the mean around all that it was chosen from."""

    clip: int
    loudness_db: float


def cut_at_pauses(voice: AudioSource, clips: int, clip_seconds: Fraction, section_seconds: float) -> list[Cut]:
    """Cuts between clips, where the voice is quietest near even lengths of about `section_seconds`.

    clips: of the whole video. Empty if it is too short for two sections. Reads the sound once, forward.
    """
    sections = min(round(float(clips * clip_seconds) / section_seconds), clips)
    cuts = []
    for number in range(1, sections):
        even = clips * number / sections
        reach = SEARCHED_PART * clips / sections
        near = range(max(math.ceil(even - reach), 1), math.floor(even + reach) + 1) or [round(even)]
        levels = {clip: _power(voice, clip * clip_seconds) for clip in near}
        quietest = min(levels, key=lambda clip: (levels[clip], abs(clip - even)))
        usual = sum(levels.values()) / len(levels)
        cuts.append(Cut(quietest, _decibels(levels[quietest], usual)))
    return cuts


def _power(voice: AudioSource, seconds: Fraction) -> float:
    """The mean square of the samples around a moment; 0 behind the end of the sound."""
    start, stop = (
        min(max(round((seconds + side) * voice.rate_hz), 0), voice.samples)
        for side in (Fraction(-LISTENED_SECONDS), Fraction(LISTENED_SECONDS))
    )
    return float(voice.read(start, stop).double().square().mean()) if stop > start else 0.0


def _decibels(power: float, usual: float) -> float:
    if not power or not usual:
        return SILENCE_DB if usual else 0.0
    return max(10.0 * math.log10(power / usual), SILENCE_DB)
