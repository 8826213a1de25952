import pytest
import torch
from einops import rearrange
from tiny import normal, portrait

from hallo2_core.animation.motion_frames import first_motion_frames, frames_to_pixels, next_motion_frames
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.errors import Hallo2Error, SettingsError

PORTRAIT = portrait(64, 128)


def settings(count, start_frames=None):
    return MotionSettings(ClipConfig(motion_frames=count), start_frames=start_frames)


def start_frames(count, height=64, width=128):
    return normal(3, count, height, width, 3).sigmoid()


def test_a_video_begins_with_the_still_portrait():
    frames = first_motion_frames(PORTRAIT, settings(3))
    assert frames.shape == (3, 3, 64, 128)
    assert all(torch.equal(frame, PORTRAIT.pixels) for frame in frames)


def test_it_may_go_on_from_the_last_of_given_frames():
    given = start_frames(5)
    expected = rearrange(given[-2:], "f h w c -> f c h w") * 2 - 1
    assert torch.equal(first_motion_frames(PORTRAIT, settings(2, given)), expected)


def test_fewer_frames_than_needed_are_preceded_by_the_first_of_them():
    given = start_frames(2)
    frames = first_motion_frames(PORTRAIT, settings(4, given))
    assert torch.equal(frames, frames_to_pixels(given[[0, 0, 0, 1]]))


def test_frames_of_another_size_are_refused():
    with pytest.raises(SettingsError, match="start frames are 64x96 and the portrait 128x64; resize the start frames"):
        first_motion_frames(PORTRAIT, settings(2, start_frames(2, 96, 64)))


def test_the_next_clip_continues_from_the_last_frames_in_their_order():
    clip = start_frames(16)
    frames = next_motion_frames(clip, 2)
    assert torch.equal(frames, frames_to_pixels(clip)[14:])
    assert frames.min() >= -1 and frames.max() <= 1


def test_an_alpha_channel_is_left_out():
    assert frames_to_pixels(torch.ones(1, 2, 2, 4)).shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (torch.zeros(64, 128, 3), r"have shape \(64, 128, 3\)"),
        ([torch.zeros(64, 128, 3)], "are list"),
        (torch.full((2, 64, 128, 3), 200.0), "values from 200 to 200; 0 to 1 was expected"),
        (torch.full((2, 64, 128, 3), float("nan")), "NaN"),
    ],
)
def test_start_frames_that_are_none(frames, said):
    with pytest.raises(Hallo2Error, match=said):
        first_motion_frames(PORTRAIT, settings(2, frames))
