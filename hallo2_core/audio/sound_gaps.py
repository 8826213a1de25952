"""Gaps in a stream of sound, found by the times of its frames: recorders and networks lose packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av

LEAST_SECONDS = 0.1  # shorter ones are rounding of times
LONGEST_SECONDS = 600.0  # longer ones are a jump of the clock, as where two recordings were joined


class SoundGaps:
    """The clock starts with the first frame; after a jump it starts again, so that nothing is missing there."""

    def __init__(self) -> None:
        self._start: int | None = None  # of the sound, in samples of the file's clock

    def before(self, frame: av.AudioFrame, samples: int) -> int:
        """How many samples are missing before this frame. samples: per channel, all those before it, silence for
        earlier gaps included."""
        if frame.pts is None or not frame.time_base:
            return 0
        at = round(frame.pts * frame.time_base * frame.sample_rate)
        if self._start is None:
            self._start = at - samples
        missing = at - self._start - samples
        if abs(missing) < LEAST_SECONDS * frame.sample_rate:
            return 0
        if 0 < missing <= LONGEST_SECONDS * frame.sample_rate:
            return missing
        self._start = at - samples
        return 0


def silent_blocks(samples: int, block_samples: int) -> Iterator[int]:
    """The lengths of blocks that make up a gap."""
    for start in range(0, samples, block_samples):
        yield min(block_samples, samples - start)
