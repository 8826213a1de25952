from dataclasses import replace

import pytest
import torch
from einops import repeat
from tiny import normal, portrait

from hallo2_core.animation.colour_match import match_colours

PORTRAIT = replace(portrait(), pixels=(0.15 * normal(1, 3, 64, 64) + 0.1).clamp(-1, 1))
STILL = repeat(PORTRAIT.pixels, "c h w -> m c h w", m=2)
FACE = PORTRAIT.face_region[0] != 0


@pytest.mark.parametrize("contrast", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.2])
def test_shifted_colours_come_back(contrast, shift):
    tint = shift * torch.tensor([1.0, 0.5, -0.3])[:, None, None]
    matched = match_colours(contrast * STILL + tint, PORTRAIT)
    assert torch.allclose(matched, STILL, atol=1e-5)


def test_each_frame_is_matched_by_itself():
    drifted = STILL.clone()
    drifted[1] += 0.1
    assert torch.allclose(match_colours(drifted, PORTRAIT), STILL, atol=1e-5)


def test_what_happens_in_the_face_changes_nothing_around_it():
    talking = STILL.clone()
    talking[:, :, FACE] = -1.0
    assert torch.allclose(match_colours(talking, PORTRAIT)[:, :, ~FACE], STILL[:, :, ~FACE], atol=1e-5)


def test_a_flat_frame_stays_a_picture_and_its_noise_is_not_blown_up():
    flat = 0.001 * normal(2, 1, 3, 64, 64)
    matched = match_colours(flat, PORTRAIT)
    assert matched.isfinite().all() and float(matched[:, 0].std()) < 0.005
    assert matched[:, :, ~FACE].mean() == pytest.approx(float(PORTRAIT.pixels[:, ~FACE].mean()), abs=1e-4)


def test_colours_stay_within_the_range():
    matched = match_colours((2 * STILL + 0.8).clamp(-1, 1), PORTRAIT)
    assert -1 <= matched.min() and matched.max() <= 1
