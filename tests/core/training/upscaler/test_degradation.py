import pytest
import torch
from tiny import normal

from hallo2_core.training.draws import sample_generator
from hallo2_core.training.upscaler.degradation import (
    DegradationSettings,
    blurred,
    degraded,
    enlarged,
    enlargement,
    shrunk,
)

NOTHING = DegradationSettings(blur_px=0.0, noise=0.0, shade=0.0)


@pytest.fixture
def seen():
    return (normal(1, 2, 3, 16, 16).sigmoid() * 255).byte()


def draws(number=0):
    return sample_generator(0, number, "test")


def test_with_nothing_to_do_frames_are_only_enlarged(seen):
    expected = enlarged(seen.float() / 255.0, 64)
    torch.testing.assert_close(enlarged(degraded(seen, NOTHING, draws()), 64), expected, atol=1e-5, rtol=0)
    assert expected.shape == (2, 3, 64, 64) and expected.min() < -0.5 and expected.max() > 0.5


def test_a_sample_is_the_same_again_and_another_differs(seen):
    one, again, other = (degraded(seen, DegradationSettings(), draws(n)) for n in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_each_frame_has_noise_of_its_own(seen):
    still = seen[:1].repeat(2, 1, 1, 1)
    first, second = degraded(still, DegradationSettings(blur_px=0.0), draws())
    assert 0.001 < float((first - second).abs().mean()) < 0.1


def test_a_blur_keeps_flat_pictures_and_removes_detail():
    torch.testing.assert_close(blurred(torch.full((1, 3, 9, 9), 0.3), 0.8), torch.full((1, 3, 9, 9), 0.3))
    detail = torch.zeros(1, 3, 9, 9)
    detail[:, :, 4, 4] = 1.0
    after = blurred(detail, 0.8)
    assert float(after.sum()) == pytest.approx(3.0, rel=1e-4) and float(after.max()) < 0.3


def test_a_clean_sample_is_the_drawing_made_smaller(seen):
    frames = seen.repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)
    torch.testing.assert_close(shrunk(frames, 16), seen.float() / 255.0)


def test_the_weights_of_an_enlargement_give_the_same_picture(seen):
    weights = enlargement(16, 72, torch.device("cpu"))
    large = (weights @ (seen.float() / 255.0) @ weights.mT).clamp(0, 1) * 2 - 1
    torch.testing.assert_close(large, enlarged(seen.float() / 255.0, 72), atol=1e-5, rtol=0)
