import pytest

from hallo2_core.animation.acceleration import EXACT, Acceleration, StepPlan
from hallo2_core.animation.sampler_config import SamplerConfig

BOTH, ALONE, REUSED = StepPlan(2, is_guided=True), StepPlan(1, is_guided=False), StepPlan(1, is_guided=True)


def test_exact_computes_everything_in_every_step():
    assert EXACT.plan(5, cond_batch=2) == (BOTH,) * 5
    assert EXACT.plan(5, cond_batch=1) == (ALONE,) * 5
    assert SamplerConfig(steps=37).steps_taken == 37 and SamplerConfig().acceleration == EXACT


@pytest.mark.parametrize(
    ("interval", "plan"),
    [
        ((0.0, 0.5), (BOTH, BOTH, ALONE, ALONE)),
        ((0.25, 0.75), (ALONE, BOTH, BOTH, ALONE)),
        ((0.5, 0.5), (ALONE,) * 4),
        ((0.75, 1.0), (ALONE, ALONE, ALONE, BOTH)),
    ],
)
def test_guidance_acts_in_the_steps_that_begin_in_its_interval(interval, plan):
    assert Acceleration(guided_from=interval[0], guided_until=interval[1]).plan(4, cond_batch=2) == plan


def test_the_unconditional_half_is_counted_from_the_first_guided_step():
    acceleration = Acceleration(guided_from=0.4, unconditional_every=2)
    assert acceleration.plan(5, cond_batch=2) == (ALONE, ALONE, BOTH, REUSED, BOTH)
    assert acceleration.plan(5, cond_batch=1) == (ALONE,) * 5


@pytest.mark.parametrize(("share", "taken"), [(1.0, 40), (0.5, 20), (0.26, 10), (0.001, 1)])
def test_a_share_of_the_steps_is_at_least_one(share, taken):
    assert SamplerConfig(steps=40, acceleration=Acceleration(step_share=share)).steps_taken == taken


def deep_of(acceleration, steps, cond_batch=2):
    """What each step does with its deep features: computes, keeps or reuses them."""
    plans = acceleration.plan(steps, cond_batch)
    assert not any(plan.keeps_deep and plan.reuses_deep for plan in plans)
    return "".join("k" if plan.keeps_deep else "r" if plan.reuses_deep else "c" for plan in plans)


def test_deep_features_are_computed_in_every_nth_step():
    assert deep_of(EXACT, 4) == "cccc"
    assert deep_of(Acceleration(deep_every=2), 5) == "krkrc"
    assert deep_of(Acceleration(deep_every=3), 7, cond_batch=1) == "krrkrrc"
    assert deep_of(Acceleration(deep_every=9), 1) == "c"


def test_both_halves_do_not_reuse_the_features_of_one():
    assert deep_of(Acceleration(guided_until=0.5, deep_every=4), 4) == "krrr"  # the conditional half of two is enough
    assert deep_of(Acceleration(guided_from=0.5, deep_every=4), 4) == "krkr"
    assert deep_of(Acceleration(unconditional_every=2, deep_every=3), 6) == "krrckr"
