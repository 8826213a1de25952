import pytest
import torch
from diffusers import DDIMScheduler
from tiny import normal

from hallo2_core.animation.noise_schedule import ddim_step, signal_levels, timesteps, training_signal_levels


def oracle(steps):
    """The release's scheduler. Its betas are linear: the switch to scaled_linear comes too late to count."""
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    return scheduler


def test_signal_levels_equal_diffusers_and_end_in_nothing():
    assert torch.equal(signal_levels(), oracle(1).alphas_cumprod)
    assert signal_levels().shape == (1000,) and signal_levels()[-1] == 0.0


def test_the_trainings_levels_equal_diffusers():
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", rescale_betas_zero_snr=True
    )
    assert torch.equal(training_signal_levels(), scheduler.alphas_cumprod)


@pytest.mark.parametrize("steps", [*range(1, 61), 100, 250, 333, 999, 1000])
def test_timesteps_equal_diffusers(steps):
    assert timesteps(steps) == oracle(steps).timesteps.tolist()


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 6, 7, 11, 25, 40, 1000])
def test_every_step_equals_diffusers(steps):
    """The level a step goes to is 1000 // steps lower, whatever timestep comes next (6 steps: 999 to 833, not 832)."""
    scheduler, latents = oracle(steps), normal(1, 2, 4, 3, 3)
    for number, timestep in enumerate(timesteps(steps)):
        prediction = normal(2 + number, 2, 4, 3, 3)
        expected = scheduler.step(prediction, timestep, latents, eta=0.0).prev_sample
        latents = ddim_step(latents, prediction, timestep, steps)
        torch.testing.assert_close(latents, expected, atol=2e-6, rtol=1e-5)
        latents = expected


def test_the_first_step_forgets_the_noise():
    """Zero terminal SNR: at 999 the clean picture is minus the prediction, whatever the latents are."""
    latents, prediction = normal(1, 1, 4, 3, 3), normal(2, 1, 4, 3, 3)
    assert torch.equal(ddim_step(latents, prediction, 999, 1), -prediction)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_latents_keep_their_dtype(dtype):
    assert ddim_step(normal(1, 4).to(dtype), normal(2, 4).to(dtype), 499, 4).dtype == dtype
