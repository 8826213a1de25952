import pytest
import torch
from einops import rearrange
from skimage.metrics import structural_similarity
from tiny import normal, portrait

from hallo2_core.inspection.likeness import Original, ssim

PICTURE = normal(1, 96, 80, 3).mul(0.15).add(0.5).clamp(0, 1)
ORIGINAL = Original.of(PICTURE, (slice(20, 70), slice(10, 60)))


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_ssim_equals_scikit_images(noise):
    one = normal(1, 60, 50).sigmoid()
    other = (one + noise * normal(2, 60, 50)).clamp(0, 1)
    expected = structural_similarity(
        one.double().numpy(), other.double().numpy(), win_size=7, data_range=1.0, use_sample_covariance=False
    )
    assert ssim(one[None, None], other[None, None]) == pytest.approx(expected, abs=1e-9)


def test_a_picture_is_like_itself():
    assert ORIGINAL.similarity(PICTURE) == pytest.approx(1.0)
    assert ORIGINAL.sharpness(PICTURE) == 1.0 and ORIGINAL.colour_drift(PICTURE) == 0.0


def test_similarity_looks_at_the_face_alone():
    elsewhere, there = PICTURE.clone(), PICTURE.clone()
    elsewhere[70:] = elsewhere[:20] = elsewhere[:, :10] = elsewhere[:, 60:] = 0.0
    there[30:60, 20:50] = 0.0
    assert ORIGINAL.similarity(elsewhere) == pytest.approx(1.0) and ORIGINAL.similarity(there) < 0.9


def test_sharpness_is_a_ratio_and_never_nothing():
    middle = PICTURE.mean()
    assert ORIGINAL.sharpness(middle + (PICTURE - middle) / 2) == pytest.approx(0.5, abs=0.01)
    assert 0 < ORIGINAL.sharpness(torch.full_like(PICTURE, 0.5)) < 0.05


def test_colour_drift_is_in_levels():
    assert ORIGINAL.colour_drift(PICTURE + 10 / 255) == pytest.approx(10, abs=1e-3)
    warmer = PICTURE + torch.tensor([10 / 255, 0, 0])
    assert ORIGINAL.colour_drift(warmer) == pytest.approx(10 / 3**0.5, abs=1e-3)


def test_a_portrait_of_the_videos_size_is_taken_as_it_is():
    person = portrait(64, 128)
    original = Original.of_portrait(person, 64, 128)
    assert original.face == (slice(16, 48), slice(32, 96))
    assert original.similarity(rearrange(person.pixels, "c h w -> h w c") / 2 + 0.5) == pytest.approx(1.0)


def test_a_portrait_of_another_size_is_brought_to_the_videos():
    original = Original.of_portrait(portrait(64, 64), 128, 192)
    assert original.face == (slice(32, 96), slice(48, 144))
    assert original.colour_drift(torch.full((128, 192, 3), 0.5)) < 5
