import pytest
import torch

from hallo2_core.animation.motion_presets import PRESETS, with_preset
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.errors import SettingsError

OWN = MotionSettings(ClipConfig(motion_frames=7), PatchDropConfig(0.9, 8, False, 0.3, 5, adaptive=True), torch.ones(1))


def test_the_release_is_what_is_used_where_nothing_is_said():
    assert PRESETS["release"] == (ClipConfig(), PatchDropConfig())


def test_the_paper_has_four_frames_and_noise():
    clip, drop = PRESETS["paper"]
    assert (clip.motion_frames, drop.rate, drop.patch_px, drop.noise_as_trained) == (4, 0.25, 1, True)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_leaves_only_seed_and_pictures(name):
    made = with_preset(name, OWN)
    assert made.patch_drop.seed == 5 and made.start_frames is OWN.start_frames
    assert with_preset(name, MotionSettings(patch_drop=PatchDropConfig(seed=5))).patch_drop == made.patch_drop
    assert made.clip == PRESETS[name][0]


def test_an_unknown_preset_is_refused():
    with pytest.raises(SettingsError, match="preset is 'best'; choose one of release, paper"):
        with_preset("best", OWN)
