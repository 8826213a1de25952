"""Shorter denoising, by choice: another solver, fewer steps, less guidance, reused features. The defaults change
nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from ..errors import SettingsError

DDIM, DPM_SOLVER = SOLVERS = ("ddim", "dpm++2m")


@dataclass(frozen=True)
class StepPlan:
    """What one step computes."""

    halves: int  # 2: both halves of guidance; 1: the conditional one
    is_guided: bool  # with one half, the difference between the halves is that of an earlier step
    keeps_deep: bool = False  # later steps use its deep features
    reuses_deep: bool = False  # its deep features are those of an earlier step


@dataclass(frozen=True)
class Acceleration:
    """How the denoising of each clip is shortened. Positions in it are shares of its steps, 0 to 1."""

    solver: str = DDIM  # as released, or DPM-Solver++ 2M (`dpm_solver.py`)
    step_share: float = 1.0  # of the sampler's steps, those that are taken
    guided_from: float = 0.0  # guidance acts from here
    guided_until: float = 1.0  # to here (Kynkäänniemi et al., 2024, arXiv 2404.07724)
    unconditional_every: int = 1  # in guided steps, the unconditional half is computed in every n-th only
    deep_every: int = 1  # the deep features are computed in every n-th step only (DeepCache)

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise SettingsError(f"The solver is '{self.solver}'; choose {' or '.join(SOLVERS)}.")
        if not 0.0 < self.step_share <= 1.0:
            raise SettingsError(f"The share of steps is {self.step_share}; choose more than 0, up to 1 (all of them).")
        if not 0.0 <= self.guided_from <= self.guided_until <= 1.0:
            raise SettingsError(
                f"Guidance acts from {self.guided_from} to {self.guided_until} of the steps; choose two values from 0 "
                f"to 1, the smaller one first (0 and 1: in all steps)."
            )
        if self.unconditional_every < 1:
            raise SettingsError(
                f"The unconditional half is computed in every {self.unconditional_every}th guided step; choose 1 "
                f"(every step) or more."
            )

        if self.deep_every < 1:
            raise SettingsError(
                f"The deep features are computed in every {self.deep_every}th step; choose 1 (every step) or more."
            )

    def steps_taken(self, steps: int) -> int:
        """steps: the sampler's. At least one."""
        return max(round(self.step_share * steps), 1)

    def plan(self, steps: int, cond_batch: int) -> tuple[StepPlan, ...]:
        """steps: those that are taken.  cond_batch: 2, or 1 for a video without guidance.

        A step with both halves after one with the conditional half alone computes its deep features itself.
        """
        guided = [cond_batch == 2 and self.guided_from <= step / steps < self.guided_until for step in range(steps)]
        numbers = accumulate(guided)  # of the guided steps, from 1
        halves = [
            2 if is_guided and (number - 1) % self.unconditional_every == 0 else 1
            for is_guided, number in zip(guided, numbers, strict=True)
        ]
        reused = self._reused(halves)
        kept = [later and not now for now, later in pairwise([*reused, False])]
        return tuple(StepPlan(*step) for step in zip(halves, guided, kept, reused, strict=True))

    def _reused(self, halves: Sequence[int]) -> list[bool]:
        """halves: of each step.  Whether it takes the deep features of an earlier one."""
        reused: list[bool] = []
        age = kept_halves = 0
        for wanted in halves:
            age += 1
            reused.append(age < self.deep_every and wanted <= kept_halves)
            if not reused[-1]:
                age, kept_halves = 0, wanted
        return reused


EXACT = Acceleration()
EXACTLY, BALANCED, FAST = "exact", "balanced", "fast"

# Chosen by `tests/bench/acceleration.py` on held-back faces and voices of the demo model (docs/performance.md).
PRESETS: Mapping[str, Acceleration] = {
    EXACTLY: EXACT,
    BALANCED: Acceleration(DPM_SOLVER, step_share=0.5, unconditional_every=2),
    FAST: Acceleration(DPM_SOLVER, step_share=0.25, unconditional_every=3),
}
