"""The preview of what patch drop leaves."""

import torch

from hallo2_core.animation.patch_drop import preview_motion_frames
from hallo2_core.config import ClipConfig, PatchDropConfig
from hallo2_core.payloads import MotionSettings


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
