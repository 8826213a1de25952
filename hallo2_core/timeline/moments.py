"""A moment of a video as written: seconds, frames or a clock time, stored exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

# This parser could read more exactly, but the editor's could not: its numbers are doubles.
MOST_DIGITS = 9
MOST_DECIMALS = 6

_NUMBER = rf"[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{1,{MOST_DECIMALS}}})?"
_DECIMAL = re.compile(_NUMBER)
_SECONDS = re.compile(rf"({_NUMBER})s?")
_FRAMES = re.compile(rf"([0-9]{{1,{MOST_DIGITS}}})f")
_CLOCK = re.compile(rf"(?:([0-9]{{1,{MOST_DIGITS}}}):)?([0-9]{{1,{MOST_DIGITS}}}):({_NUMBER})")


@dataclass(frozen=True)
class Moment:
    """A time from the start of the video. Frames become seconds once the frame rate is known."""

    value: Fraction
    unit: Literal["seconds", "frames"] = "seconds"

    def seconds(self, fps: Fraction) -> Fraction:
        return self.value if self.unit == "seconds" else self.value / fps

    def __str__(self) -> str:
        return decimal_text(self.value) + ("f" if self.unit == "frames" else "")


def parse_moment(text: str) -> Moment | None:
    """Parse a moment, or return None: `4.5`, `4.5s`, `112f`, `1:04.5`, `1:00:04.5`."""
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
    """Parse a number, or return None: digits, optionally with a decimal point and more digits."""
    return Fraction(text) if _DECIMAL.fullmatch(text) else None


def decimal_text(value: Fraction) -> str:
    """value: with at most MOST_DECIMALS decimals, as parsed. Without trailing zeros."""
    scale = 10**MOST_DECIMALS
    whole, rest = divmod(int(value * scale), scale)
    return f"{whole}.{rest:0{MOST_DECIMALS}}".rstrip("0").rstrip(".")
