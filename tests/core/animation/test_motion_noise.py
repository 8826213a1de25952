import pytest
import torch
from tiny import normal

from hallo2_core.animation.motion_noise import add_noise, sigma_at
from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.animation.randomness import LegacyDraws, SeededDraws
from hallo2_core.animation.sampler_config import SamplerConfig

PIXELS = normal(1, 4, 3, 64, 64)


def noisy(config, clip=0):
    return add_noise(PIXELS, config, SeededDraws(SamplerConfig(), config, clip))


def found_sigma(config, clip=0):
    """sigma² is the share of the noise's variance: of pixels with variance 1, 1 - covariance²."""
    shown = noisy(config, clip)
    return (1 - float((shown * PIXELS).mean() / PIXELS.square().mean()) ** 2) ** 0.5


@pytest.mark.parametrize(("time", "sigma"), [(0, 0.029), (10, 0.101), (25, 0.158), (49, 0.225)])
def test_a_time_is_a_step_of_the_trainings_schedule(time, sigma):
    """The figures of the release's training."""
    assert abs(sigma_at(time) - sigma) < 5e-4
    by_time = noisy(PatchDropConfig(noise_time=time))
    assert torch.equal(by_time, noisy(PatchDropConfig(noise_sigma=sigma_at(time))))
    assert not torch.equal(by_time, PIXELS)


def test_trained_sigmas_average_as_in_training():
    sigmas = torch.tensor([sigma_at(time) for time in range(50)])
    assert abs(float(sigmas.mean()) - 0.149) < 1e-3 and abs(float(sigmas.square().mean().sqrt()) - 0.158) < 1e-3


def test_without_noise_nothing_is_touched_or_drawn():
    assert add_noise(PIXELS, PatchDropConfig(), draws=None) is PIXELS


def test_as_trained_every_clip_has_a_strength_of_its_own_within_the_trainings():
    config = PatchDropConfig(noise_as_trained=True)
    sigmas = [found_sigma(config, clip) for clip in range(12)]
    assert 0.02 < min(sigmas) and max(sigmas) < 0.25 and max(sigmas) - min(sigmas) > 0.05
    assert torch.equal(noisy(config, 3), noisy(config, 3))


def test_as_trained_each_frame_is_a_little_brighter_or_darker():
    """Training adds an offset of deviation 0.05 to the noise of each frame."""

    class Draws(SeededDraws):
        def noise_time(self, below):
            assert below == 50
            return 49

    config = PatchDropConfig(noise_as_trained=True)
    frames = torch.zeros(64, 1, 32, 32)
    shown = add_noise(frames, config, Draws(SamplerConfig(), config, 0))
    noise = shown / sigma_at(49)
    levels = noise.mean(dim=(1, 2, 3))
    assert 0.045 < float(levels.std()) < 0.08  # 0.05, and 1 / 32 of the noise itself
    assert abs(float((noise - levels[:, None, None, None]).std()) - 1) < 0.02


def test_the_releases_generator_is_left_alone():
    config, generator = PatchDropConfig(noise_as_trained=True), torch.Generator().manual_seed(1)
    before = generator.get_state()
    add_noise(PIXELS, config, LegacyDraws(generator, config, 0))
    assert torch.equal(generator.get_state(), before)
