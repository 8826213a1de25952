import pytest
import torch
from tiny import normal

from hallo2_core.animation.guidance import (
    Guidance,
    guidance_over,
    guided_prediction,
    is_guided,
    repeat_for_guidance,
    with_earlier_difference,
)


@pytest.mark.parametrize(("guidance", "guided"), [(3.5, True), (1.01, True), (1.0, False), (0.0, False), (-2.0, False)])
def test_guidance_is_off_at_1_and_below(guidance, guided):
    latents, prediction = normal(1, 3, 4, 2, 2), normal(2, 6 if guided else 3, 4, 2, 2)
    assert is_guided(guidance) == guided
    cond_batch = 2 if guided else 1
    expected = torch.cat([latents, latents]) if guided else latents
    assert torch.equal(repeat_for_guidance(latents, cond_batch), expected)
    if not guided:
        assert torch.equal(guided_prediction(prediction, Guidance(guidance, cond_batch)), prediction)


def test_the_first_half_is_unconditional():
    unconditional, conditional = normal(1, 3, 4, 2, 2), normal(2, 3, 4, 2, 2)
    got = guided_prediction(torch.cat([unconditional, conditional]), Guidance(3.5, 2))
    torch.testing.assert_close(got, unconditional + 3.5 * (conditional - unconditional))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_frames_of_equal_guidance_are_to_the_bit_a_constant(dtype):
    prediction = normal(1, 6, 4, 2, 2).to(dtype)
    over_time = guidance_over([3.3, 3.3, 3.3], 2)
    assert over_time == Guidance(3.3, 2)
    assert torch.equal(guided_prediction(prediction, over_time), guided_prediction(prediction, Guidance(3.3, 2)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_each_frame_gets_its_own_guidance_to_the_bit(dtype):
    prediction = normal(1, 6, 4, 2, 2).to(dtype)
    got = guided_prediction(prediction, guidance_over([1.5, 3.3, 7.0], 2))
    assert got.dtype == dtype
    for frame, scale in enumerate((1.5, 3.3, 7.0)):
        alone = guided_prediction(prediction, Guidance(scale, 2))[frame]
        assert torch.equal(got[frame], alone)


def test_where_a_guided_video_is_not_guided_it_is_the_conditional_half():
    prediction = normal(1, 4, 4, 2, 2)
    got = guided_prediction(prediction, guidance_over([0.5, 2.0], 2))
    torch.testing.assert_close(got[0], prediction[2])


def test_the_difference_of_an_earlier_step_is_added_to_the_conditional_half_of_this_one():
    then, now = normal(1, 6, 4, 2, 2), normal(2, 3, 4, 2, 2)
    got = guided_prediction(with_earlier_difference(now, then), Guidance(3.5, 2))
    torch.testing.assert_close(got, now + 2.5 * (then[3:] - then[:3]))
