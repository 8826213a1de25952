import torch
from tiny import normal

from hallo2_core.animation.noise_schedule import ddim_step, signal_levels
from hallo2_core.training.diffusion_loss import min_snr_weights, noisy_latents, velocity, weighted_square


def test_a_perfect_prediction_leads_the_sampler_to_the_picture():
    latents, noise = normal(1, 2, 3, 4, 5, 5), normal(2, 2, 3, 4, 5, 5)
    for timestep in (999, 500, 20):
        signal = signal_levels()[torch.tensor([timestep, timestep])]
        noisy, target = noisy_latents(latents, noise, signal), velocity(latents, noise, signal)
        torch.testing.assert_close(ddim_step(noisy, target, timestep, 1), latents, atol=1e-4, rtol=1e-4)


def test_weights_are_one_where_there_is_no_signal_and_fall_with_it():
    signal = torch.tensor([0.0, 0.5, 0.8, 0.99])
    torch.testing.assert_close(min_snr_weights(signal, 5.0), torch.tensor([1.0, 1.0, 1.0, 0.05]))


def test_places_count_as_they_are_weighed():
    errors = torch.zeros(1, 2, 4, 2, 2)
    errors[:, :, :, 0, 0] = 1.0
    even, lips = torch.ones(1, 2, 2), torch.tensor([[[5.0, 1.0], [1.0, 1.0]]])
    one = torch.ones(1)
    assert weighted_square(errors, even, one).item() == 0.25
    assert weighted_square(errors, lips, one).item() == 0.625
    assert weighted_square(errors, lips, 2 * one).item() == 1.25
