import pytest
import torch
from tiny import normal

from hallo2_core.animation.guidance import both_halves, guided_prediction, is_guided


@pytest.mark.parametrize(("guidance", "guided"), [(3.5, True), (1.01, True), (1.0, False), (0.0, False), (-2.0, False)])
def test_guidance_is_off_at_1_and_below(guidance, guided):
    latents, prediction = normal(1, 3, 4, 2, 2), normal(2, 6 if guided else 3, 4, 2, 2)
    assert is_guided(guidance) == guided
    expected = torch.cat([latents, latents]) if guided else latents
    assert torch.equal(both_halves(latents, guidance), expected)
    if not guided:
        assert torch.equal(guided_prediction(prediction, guidance), prediction)


def test_the_first_half_is_unconditional():
    unconditional, conditional = normal(1, 3, 4, 2, 2), normal(2, 3, 4, 2, 2)
    got = guided_prediction(torch.cat([unconditional, conditional]), 3.5)
    torch.testing.assert_close(got, unconditional + 3.5 * (conditional - unconditional))
