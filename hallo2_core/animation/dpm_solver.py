"""DPM-Solver++ 2M for v-prediction with zero terminal SNR (Lu et al., 2022, arXiv 2211.01095, algorithm 2).

With signal α = √level, noise σ = √(1 - level), λ = log(α / σ) and h = λ(next) - λ(now), a step is

    x(next) = σ(next) / σ(now) · x(now) + α(next) · (1 - e⁻ʰ) · D
    D = clean + h / (2 h(before)) · (clean - clean(before))

where e⁻ʰ = α(now) σ(next) / (σ(now) α(next)) needs no logarithm. Where λ is infinite, these are its limits:

- The first timestep has no signal: α = 0, λ = -∞, e⁻ʰ = 0. The step is exactly one of DDIM.
- The second step follows an infinite step in λ, so the weight of the earlier estimate is 0: first order again.
- The last step goes to σ = 0, λ = +∞, where that weight would be infinite. It is first order: the clean estimate.
"""

from __future__ import annotations

import math

from torch import Tensor

from .noise_schedule import clean_estimate, signal_levels, timesteps


def dpm_step(
    latents: Tensor, prediction: Tensor, step: int, steps: int, before: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Step number `step` of `steps`, from 0.  before: the clean estimate of the previous step; None: first order.

    Returns the next latents and the clean estimate of this step.
    """
    levels = [float(signal_levels()[timestep]) for timestep in timesteps(steps)] + [1.0]
    clean = clean_estimate(latents, prediction, levels[step])
    led = clean
    if before is not None:
        weight = earlier_weight(*levels[step - 1 : step + 2])
        led = clean + weight * (clean - before)
    return toward(led, latents, levels[step], levels[step + 1]), clean


def toward(clean: Tensor, latents: Tensor, now: float, following: float) -> Tensor:
    """The latents at signal level `following`, from those at `now`, if the clean picture is `clean` all the way."""
    kept_noise = ((1.0 - following) / (1.0 - now)) ** 0.5
    return kept_noise * latents + (following**0.5 - kept_noise * now**0.5) * clean


def earlier_weight(before: float, now: float, following: float) -> float:
    """h / (2 h(before)) for three signal levels, with its limit at 0. 0 where a step is first order."""
    if before == 0.0 or following == 1.0:
        return 0.0
    return (_log_snr(following) - _log_snr(now)) / (2.0 * (_log_snr(now) - _log_snr(before)))


def _log_snr(level: float) -> float:
    """λ, half the logarithm of the signal-to-noise ratio."""
    return 0.5 * math.log(level / (1.0 - level))
