"""Where a video is damaged: decoders leave out or conceal what they cannot read, and players show the rest."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from fractions import Fraction

from ..errors import VideoError

logger = logging.getLogger("hallo2")

ONE_PLACE_SECONDS = Fraction(1)  # damage closer than this is reported as one place
MOST_PLACES = 20  # that are listed


@dataclass
class Damage:
    """Collected while a video is read. Logs the first place at once, and all of them at the end.

    H.264, MPEG-4 and MPEG-2 decoders report concealed frames. Those of other codecs report only packets that cannot be
    decoded at all.
    """

    name: str = "The video"
    origin: Fraction = Fraction(0)  # time in the file, in seconds, that is the video's beginning
    frames: int = 0
    places: list[tuple[Fraction, Fraction]] = field(default_factory=list)  # in seconds from the origin
    cut_off: str = ""  # why the end is missing

    def add(self, at: Fraction | None) -> None:
        """One more damaged frame. at: its time in the file, in seconds, if known."""
        self.frames += 1
        at = (self.places[-1][1] if self.places else Fraction(0)) if at is None else max(at - self.origin, Fraction(0))
        if self.frames == 1:
            logger.warning(
                "%s is damaged at about %.2f s. Frames that cannot be decoded are concealed or left out.", self.name, at
            )
        if self.places and at - self.places[-1][1] < ONE_PLACE_SECONDS:
            self.places[-1] = (self.places[-1][0], max(at, self.places[-1][1]))
        else:
            self.places.append((at, at))

    def end(self, cut_off: str = "") -> None:
        """The video has been read to its end. cut_off: how it ends too early."""
        self.cut_off = cut_off
        if self.frames > 1:
            logger.warning("%s has %s.", self.name, self._frames_and_places())
        if cut_off:
            logger.warning("%s %s: it is truncated.", self.name, cut_off)

    def check(self) -> None:
        """Errors: VideoError that lists the damage, if there is any."""
        found = [self.cut_off] if self.cut_off else []
        if self.frames:
            found.insert(0, f"has {self._frames_and_places()}")
        if found:
            raise VideoError(
                f"{self.name} is damaged: it {', and '.join(found)}. Repair it, or download or copy it again."
            )

    def _frames_and_places(self) -> str:
        listed = [
            f"{float(start):.2f} s" if start == end else f"{float(start):.2f} to {float(end):.2f} s"
            for start, end in self.places[:MOST_PLACES]
        ]
        more = len(self.places) - len(listed)
        places = ", ".join(listed) + (f" and {more} more places" if more else "")
        return f"{self.frames} damaged frame{'s'[: self.frames > 1]} at about {places}"
