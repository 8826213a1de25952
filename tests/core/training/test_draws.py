from hallo2_core.animation.noise_schedule import TRAINING_STEPS
from hallo2_core.training.draws import spread_timestep


def test_a_few_samples_in_a_row_have_timesteps_spread_over_the_schedule():
    for first in (0, 7, 123_456):
        steps = sorted(spread_timestep(number) for number in range(first, first + 13))
        gaps = [after - before for before, after in zip([-1, *steps], [*steps, TRAINING_STEPS], strict=True)]
        assert 0 <= steps[0] and steps[-1] < TRAINING_STEPS and max(gaps) < 3 * TRAINING_STEPS / 14
