"""DPM-Solver++ 2M against diffusers', which has no zero terminal SNR: it puts 2⁻²⁴ in the place of 0."""

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from tiny import normal

from hallo2_core.animation.dpm_solver import dpm_step, earlier_weight, toward
from hallo2_core.animation.noise_schedule import clean_estimate, ddim_step, signal_levels, timesteps

NEARLY_NOTHING = 2.0**-24


def oracle(steps):
    scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 10, 20, 40])
def test_a_whole_clip_equals_diffusers(steps):
    """Its level of the first timestep, ours of all others."""
    scheduler = oracle(steps)
    assert scheduler.timesteps.tolist() == timesteps(steps)
    levels = [float(signal_levels()[timestep]) for timestep in timesteps(steps)] + [1.0]
    levels[0] = NEARLY_NOTHING
    ours = theirs = normal(1, 2, 4, 3, 3)
    before = None
    for step, timestep in enumerate(timesteps(steps)):
        prediction = normal(2 + step, 2, 4, 3, 3)
        theirs = scheduler.step(prediction, timestep, theirs).prev_sample
        clean = clean_estimate(ours, prediction, levels[step])
        weight = earlier_weight(*levels[step - 1 : step + 2]) if step else 0.0
        led = clean if before is None else clean + weight * (clean - before)
        ours, before = toward(led, ours, levels[step], levels[step + 1]), clean
        torch.testing.assert_close(ours, theirs, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("steps", [3, 10, 40])
def test_from_the_third_step_on_the_zero_makes_no_difference_to_diffusers(steps):
    scheduler, latents, before = oracle(steps), normal(1, 2, 4, 3, 3), None
    for step, timestep in enumerate(timesteps(steps)):
        prediction = normal(2 + step, 2, 4, 3, 3)
        expected = scheduler.step(prediction, timestep, latents).prev_sample
        ours, before = dpm_step(latents, prediction, step, steps, before)
        if step >= 2:
            torch.testing.assert_close(ours, expected, atol=5e-5, rtol=1e-4)
        latents = expected


@pytest.mark.parametrize("steps", [1, 2, 4, 10, 40])
def test_the_first_step_and_the_one_after_it_are_ddim(steps):
    """From no signal, e⁻ʰ is 0; and an infinite step of the log-SNR has no weight in the next."""
    latents, before = normal(1, 2, 4, 3, 3), None
    for step in range(min(steps, 2)):
        prediction = normal(2 + step, 2, 4, 3, 3)
        expected = ddim_step(latents, prediction, timesteps(steps)[step], steps)
        latents, before = dpm_step(latents, prediction, step, steps, before)
        torch.testing.assert_close(latents, expected, atol=1e-6, rtol=1e-5)


def test_the_zero_is_the_limit_of_ever_smaller_levels():
    weights = [earlier_weight(2.0**-power, 0.1, 0.2) for power in (8, 24, 100, 1000)]
    assert weights == sorted(weights, reverse=True) and weights[-1] < 2e-3
    assert earlier_weight(0.0, 0.1, 0.2) == 0.0


def test_the_last_step_is_the_clean_estimate():
    latents, prediction, before = normal(1, 4), normal(2, 4), normal(3, 4)
    last, clean = dpm_step(latents, prediction, 9, 10, before)
    torch.testing.assert_close(last, clean, atol=1e-6, rtol=1e-6)


def test_what_is_linear_in_the_log_snr_is_extrapolated_to_the_middle_of_the_step():
    """The estimate that a step uses is the one half-way to the next level."""
    before, now, following = (torch.tensor(log_snr * 2.0).sigmoid().item() for log_snr in (-1.0, 0.0, 2.0))
    assert earlier_weight(before, now, following) == pytest.approx(1.0)  # h = 2, h before = 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_latents_keep_their_dtype(dtype):
    latents, clean = dpm_step(normal(1, 4).to(dtype), normal(2, 4).to(dtype), 2, 4, normal(3, 4).to(dtype))
    assert latents.dtype == clean.dtype == dtype
