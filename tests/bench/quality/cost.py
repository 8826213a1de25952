"""What a clip costs under a choice of acceleration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hallo2_core.animation.acceleration import EXACT, Acceleration

Pass = tuple[int, bool]  # halves, and whether the deep features are reused


@dataclass(frozen=True)
class ClipCost:
    """In TFLOP."""

    passes: Mapping[Pass, float]
    besides: float  # once a clip: motion frames, conditions, decoding

    def of(self, acceleration: Acceleration, steps: int, is_guided: bool = True) -> float:
        """steps: the sampler's.  is_guided: whether the video is."""
        plans = acceleration.plan(acceleration.steps_taken(steps), cond_batch=2 if is_guided else 1)
        counts = Counter((plan.halves, plan.reuses_deep) for plan in plans)
        return self.besides + sum(count * self.passes[kind] for kind, count in counts.items())

    def share(self, acceleration: Acceleration, steps: int) -> float:
        """Relative to exact."""
        return self.of(acceleration, steps) / self.of(EXACT, steps)
