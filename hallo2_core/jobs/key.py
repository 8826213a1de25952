"""The identity of a job, in two parts: the request, and the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .fingerprint import fingerprint

NOTHING = "nothing"


@dataclass(frozen=True)
class JobKey:
    """Equal requests mean the same video: a finished one is found by its request alone, whatever torch or GPU made it.
    Clips of two runs are bit-identical only under equal arithmetic, so only then does one run resume the other.
    """

    request: Mapping[str, str]  # part of the request → its fingerprint
    arithmetic: Mapping[str, str] = field(default_factory=dict)  # what may change the last bit → its value, readable
    what: str = ""  # a description for listings; not part of the identity
    frames: int = 0  # of the whole video; 0: not known before the end

    @property
    def name(self) -> str:
        """A short folder name, derived from the request."""
        return fingerprint(dict(self.request))


def different_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts in which two requests differ."""
    return [part for part in {**before, **now} if before.get(part) != now.get(part)]


def different_values(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What changed from one arithmetic to another, in words: "torch 2.12.0 → 2.13.0"."""
    changed = different_parts(before, now)
    return [f"{entry} {before.get(entry, NOTHING)} → {now.get(entry, NOTHING)}" for entry in changed]
