"""Gaps in a stream of sound, found by the times of its frames: recorders and networks lose packets."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.packet import Packet

LEAST_SECONDS = 0.1  # shorter ones are rounding of times, unless a packet could not be decoded
LONGEST_SECONDS = 600.0  # longer ones are a jump of the clock, as where two recordings were joined


class SoundGaps:
    """The clock starts with the first packet; after a jump it starts again, so that nothing is missing there."""

    def __init__(self) -> None:
        self._start: Fraction | None = None  # of the sound, in seconds of the file's clock
        self.is_after_damage = False

    def lost(self, part: Packet | av.AudioFrame) -> None:
        """It could not be decoded."""
        self.is_after_damage = True
        if self._start is None and part.pts is not None and part.time_base:
            self._start = max(part.pts * part.time_base, Fraction(0))  # before 0 is what decoders cut off

    def before(self, frame: av.AudioFrame, samples: int) -> int:
        """How many samples are missing before this frame. samples: per channel, all those before it, silence for
        earlier gaps included."""
        if frame.pts is None or not frame.time_base:
            return 0
        at = frame.pts * frame.time_base
        if self._start is None:
            self._start = at - Fraction(samples, frame.sample_rate)
        missing = round((at - self._start) * frame.sample_rate) - samples
        if abs(missing) < LEAST_SECONDS * frame.sample_rate:
            return max(missing, 0) if self.is_after_damage else 0
        if 0 < missing <= LONGEST_SECONDS * frame.sample_rate:
            return missing
        self._start = at - Fraction(samples, frame.sample_rate)
        return 0


def silent_blocks(samples: int, block_samples: int) -> Iterator[int]:
    """The lengths of blocks that make up a gap."""
    for start in range(0, samples, block_samples):
        yield min(block_samples, samples - start)
