"""What is not learned from, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """name: a few words that the summary counts by."""

    name: str


DAMAGED = Reason("damaged")
NO_SOUND = Reason("no sound")
OTHER_LENGTH = Reason("sound and picture of different length")
SOUND_STARTS_LATE = Reason("sound and picture do not start together")
TOO_SHORT = Reason("too short")
NO_FACE = Reason("no face")
SEVERAL_FACES = Reason("several faces")
SCENE_CUT = Reason("too short between two cuts")
FACE_JUMPS = Reason("the face jumps")
FACE_TURNED = Reason("face turned to the side")
FACE_TOO_SMALL = Reason("face too small")


@dataclass(frozen=True)
class Skipped:
    """A stretch of a video, in seconds; all of it from 0 to None."""

    reason: str
    detail: str = ""
    start_seconds: float = 0.0
    end_seconds: float | None = None


class Unusable(Exception):  # noqa: N818 - the rest of the data set goes on
    """Nothing of a video, or nothing more, can be learned from."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.name}: {detail}")
        self.reason, self.detail = reason, detail
