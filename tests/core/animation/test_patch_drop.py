import pytest
import torch
from tiny import normal

from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.animation.patch_drop import corrupt_motion_frames, kept_pixels
from hallo2_core.animation.randomness import SeededDraws
from hallo2_core.animation.sampler_config import SamplerConfig

HEIGHT, WIDTH = 48, 40
NO_FACE = torch.zeros(3, HEIGHT, WIDTH)
FACE = NO_FACE.clone()
FACE[:, 10:20, 10:20] = 1.0
FACE[:, 20, 10:20] = 0.002  # the soft edge of a resized box


def kept(config, face_region=FACE, clip=0):
    rows, columns = -(-HEIGHT // config.patch_px), -(-WIDTH // config.patch_px)
    return kept_pixels(SeededDraws(SamplerConfig(), config, clip).drop_uniforms(rows, columns), face_region, config)


def corrupted(config, pixels, face_region=FACE, clip=0):
    return corrupt_motion_frames(pixels, face_region, config, SeededDraws(SamplerConfig(), config, clip))


def test_the_rate_is_the_share_that_goes():
    mask = kept(PatchDropConfig(rate=0.25), NO_FACE)
    assert mask.shape == (3, HEIGHT, WIDTH)
    assert 0.72 < mask[0].float().mean() < 0.78
    assert torch.equal(mask[0], mask[1]) and torch.equal(mask[0], mask[2])


def test_a_draw_equal_to_the_rate_is_dropped():
    """As in the original: kept where the draw is greater."""
    uniforms = torch.full((HEIGHT, WIDTH), 0.25)
    assert not kept_pixels(uniforms, NO_FACE, PatchDropConfig(rate=0.25)).any()
    assert kept_pixels(uniforms, NO_FACE, PatchDropConfig(rate=0.249)).all()


def test_rate_0_keeps_all_even_where_the_draw_is_0():
    assert kept_pixels(torch.zeros(HEIGHT, WIDTH), NO_FACE, PatchDropConfig(rate=0.0)).all()


def test_rate_1_leaves_the_face_with_its_soft_edge_and_nothing_else():
    assert torch.equal(kept(PatchDropConfig(rate=1.0)), FACE != 0)
    assert not kept(PatchDropConfig(rate=1.0, keep_face=False)).any()


def test_the_face_is_kept_at_any_rate_unless_told_otherwise():
    assert kept(PatchDropConfig(rate=0.9))[FACE != 0].all()
    assert not kept(PatchDropConfig(rate=0.9, keep_face=False))[FACE != 0].all()


@pytest.mark.parametrize("patch_px", [2, 7, 16, 64])
def test_patches_go_as_a_whole_also_where_they_reach_over_the_edge(patch_px):
    config = PatchDropConfig(rate=0.5, patch_px=patch_px)
    mask, seen = kept(config, NO_FACE), set()
    for top in range(0, HEIGHT, patch_px):
        for left in range(0, WIDTH, patch_px):
            patch = mask[:, top : top + patch_px, left : left + patch_px]
            assert patch.all() or not patch.any()
            seen.add(bool(patch.any()))
    assert len(seen) == 2 or patch_px == 64


def test_dropped_pixels_are_mid_grey_and_the_same_in_all_frames():
    config, pixels = PatchDropConfig(), normal(1, 3, 3, HEIGHT, WIDTH)
    mask, shown = kept(config), corrupted(config, pixels)
    assert torch.equal(shown, torch.where(mask, pixels, 0.0))
    assert (shown == 0).any() and torch.equal(shown[0] == 0, shown[2] == 0)


def test_another_clip_drops_other_pixels_and_the_same_clip_the_same():
    config = PatchDropConfig()
    assert torch.equal(kept(config, clip=3), kept(config, clip=3))
    assert not torch.equal(kept(config, clip=3), kept(config, clip=4))


def test_noise_has_the_sigma_and_keeps_the_variance():
    config = PatchDropConfig(rate=0.0, noise_sigma=0.3)
    pixels = normal(1, 4, 3, HEIGHT, WIDTH)
    shown = corrupted(config, pixels)
    noise = (shown - (1 - 0.3**2) ** 0.5 * pixels) / 0.3
    assert abs(float(noise.std()) - 1) < 0.03 and abs(float(noise.mean())) < 0.03
    assert abs(float(shown.var() / pixels.var()) - 1) < 0.03
    assert not torch.allclose(noise[0], noise[1], atol=0.1)  # each frame has its own


def test_noise_comes_before_the_drop_and_does_not_change_what_is_dropped():
    pixels = normal(1, 2, 3, HEIGHT, WIDTH)
    without, with_noise = (corrupted(PatchDropConfig(noise_sigma=sigma), pixels) for sigma in (0.0, 0.3))
    assert torch.equal(without == 0, with_noise == 0)
