"""The preview of the pixels that patch drop keeps."""

import pytest
import torch
from einops import rearrange
from tiny import portrait

from hallo2_core.animation.adaptive_drop import adapted_drop
from hallo2_core.animation.colour_match import match_colours
from hallo2_core.animation.motion_frames import first_motion_frames
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.animation.patch_drop import corrupt_motion_frames, preview_motion_frames
from hallo2_core.animation.randomness import SeededDraws
from hallo2_core.animation.sampler_config import SamplerConfig


def preview(start_frames=None, frames=2, **patch_drop):
    settings = MotionSettings(ClipConfig(motion_frames=frames), PatchDropConfig(**patch_drop), start_frames)
    return preview_motion_frames(settings)


def test_without_start_frames_white_pictures_show_the_share_that_is_dropped():
    shown = preview(rate=0.25, patch_px=4)
    assert shown.shape == (2, 512, 512, 3)
    assert set(shown.unique().tolist()) == {0.5, 1.0}
    assert abs(float((shown == 0.5).float().mean()) - 0.25) < 0.02


def test_patches_have_the_asked_size():
    dropped = preview(rate=0.5, patch_px=64)[0, ..., 0] == 0.5
    patches = dropped.reshape(8, 64, 8, 64).float().mean(dim=(1, 3))
    assert set(patches.unique().tolist()) == {0.0, 1.0}


def test_the_last_start_frames_are_shown():
    frames = torch.linspace(0, 1, 5)[:, None, None, None].expand(5, 8, 8, 3)
    assert torch.allclose(preview(frames, rate=0.0), frames[-2:], atol=1e-6)


def test_fewer_start_frames_than_motion_frames_are_no_error():
    assert preview(torch.zeros(1, 8, 8, 3), frames=4, rate=0.0).shape[0] == 1


@pytest.mark.parametrize("start_frames", [None, torch.full((3, 64, 64, 3), 0.9)], ids=["still", "start frames"])
def test_with_a_portrait_it_is_exactly_what_the_first_clip_sees(start_frames):
    drop = PatchDropConfig(0.5, 4, noise_time=20, seed=7, adaptive=True)
    motion, person = MotionSettings(ClipConfig(motion_frames=3), drop, start_frames, colour_match=True), portrait()
    pixels = match_colours(first_motion_frames(person, motion), person)
    draws = SeededDraws(SamplerConfig(seed=1), drop, clip=0)
    seen = corrupt_motion_frames(pixels, person.face_region, adapted_drop(drop, pixels, person), draws)
    shown = preview_motion_frames(motion, person)
    assert torch.equal(shown, rearrange(seen / 2 + 0.5, "m c h w -> m h w c").clamp(0, 1))


def test_noise_is_shown():
    clean, noisy = preview(rate=0.0), preview(rate=0.0, noise_sigma=0.3)
    assert bool((clean == 1).all()) and float(noisy.std()) > 0.03 and 0 <= noisy.min() <= noisy.max() <= 1
