"""Shorter denoising, by choice: another solver, fewer steps, less guidance. The defaults change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError

DDIM, DPM_SOLVER = SOLVERS = ("ddim", "dpm++2m")


@dataclass(frozen=True)
class StepPlan:
    """What one step computes."""

    halves: int  # 2: both halves of guidance; 1: the conditional one
    is_guided: bool  # with one half, the difference between the halves is that of an earlier step


@dataclass(frozen=True)
class Acceleration:
    """How the denoising of each clip is shortened. Positions in it are shares of its steps, 0 to 1."""

    solver: str = DDIM  # as released, or DPM-Solver++ 2M (`dpm_solver.py`)
    step_share: float = 1.0  # of the sampler's steps, those that are taken
    guided_from: float = 0.0  # guidance acts from here
    guided_until: float = 1.0  # to here (Kynkäänniemi et al., 2024, arXiv 2404.07724)
    unconditional_every: int = 1  # in guided steps, the unconditional half is computed in every n-th only

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

    def steps_taken(self, steps: int) -> int:
        """steps: the sampler's. At least one."""
        return max(round(self.step_share * steps), 1)

    def plan(self, steps: int, cond_batch: int) -> tuple[StepPlan, ...]:
        """steps: those that are taken.  cond_batch: 2, or 1 for a video without guidance."""
        plans: list[StepPlan] = []
        guided_steps = 0
        for step in range(steps):
            is_guided = cond_batch == 2 and self.guided_from <= step / steps < self.guided_until
            computes_both = is_guided and guided_steps % self.unconditional_every == 0
            guided_steps += is_guided
            plans.append(StepPlan(2 if computes_both else 1, is_guided))
        return tuple(plans)


EXACT = Acceleration()
