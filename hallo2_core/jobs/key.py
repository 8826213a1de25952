"""What a job is, in two parts: what was asked for, and the arithmetic it is made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .fingerprint import fingerprint

NOTHING = "nothing"


@dataclass(frozen=True)
class JobKey:
    """Equal requests ask for the same video: a finished one is found again by that alone, whatever torch or card made
    it. Only with equal arithmetic are clips of two runs the same to the bit, so that only then the second goes on
    where the first stopped.
    """

    request: Mapping[str, str]  # part of what was asked for → its fingerprint
    arithmetic: Mapping[str, str] = field(default_factory=dict)  # what may change the last bit → its value, readable
    what: str = ""  # in words, for whoever lists jobs; does not count
    frames: int = 0  # that the whole video will have; 0: not known before the end

    @property
    def name(self) -> str:
        """A short name for a folder: the request's."""
        return fingerprint(dict(self.request))


def different_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts of two requests that are not the same."""
    return [part for part in {**before, **now} if before.get(part) != now.get(part)]


def different_values(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What changed from one arithmetic to another, in words: "torch 2.12.0 → 2.13.0"."""
    changed = different_parts(before, now)
    return [f"{entry} {before.get(entry, NOTHING)} → {now.get(entry, NOTHING)}" for entry in changed]
