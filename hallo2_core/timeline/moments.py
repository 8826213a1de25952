"""A moment of a video as a user writes it: seconds, frames or a clock time, kept exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

# More would be read as exactly by this parser, but not by the editor's, whose numbers are doubles.
MOST_DIGITS = 9
MOST_DECIMALS = 6

_NUMBER = rf"[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{1,{MOST_DECIMALS}}})?"
_DECIMAL = re.compile(_NUMBER)
_SECONDS = re.compile(rf"({_NUMBER})s?")
_FRAMES = re.compile(rf"([0-9]{{1,{MOST_DIGITS}}})f")
_CLOCK = re.compile(rf"(?:([0-9]{{1,{MOST_DIGITS}}}):)?([0-9]{{1,{MOST_DIGITS}}}):({_NUMBER})")


@dataclass(frozen=True)
class Moment:
    """A time from the video's beginning. Of frames the seconds are known only once the frame rate is."""

    value: Fraction
    unit: Literal["seconds", "frames"] = "seconds"

    def seconds(self, fps: Fraction) -> Fraction:
        return self.value if self.unit == "seconds" else self.value / fps

    def __str__(self) -> str:
        return decimal_text(self.value) + ("f" if self.unit == "frames" else "")


def parse_moment(text: str) -> Moment | None:
    """The moment that a text is, or None: `4.5`, `4.5s`, `112f`, `1:04.5`, `1:00:04.5`."""
    if found := _SECONDS.fullmatch(text):
        return Moment(Fraction(found[1]))
    if found := _FRAMES.fullmatch(text):
        return Moment(Fraction(found[1]), "frames")
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = int(found[1] or 0), int(found[2]), Fraction(found[3])
        if seconds < 60 and (found[1] is None or minutes < 60):
            return Moment(hours * 3600 + minutes * 60 + seconds)
    return None


def parse_decimal(text: str) -> Fraction | None:
    """The number that a text is, or None: digits, with a point and more digits or without."""
    return Fraction(text) if _DECIMAL.fullmatch(text) else None


def decimal_text(value: Fraction) -> str:
    """value: of at most MOST_DECIMALS decimals, as all are that were parsed. Without trailing zeros."""
    scale = 10**MOST_DECIMALS
    whole, rest = divmod(int(value * scale), scale)
    return f"{whole}.{rest:0{MOST_DECIMALS}}".rstrip("0").rstrip(".")
