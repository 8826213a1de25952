import math

import pytest
import torch
from tiny import normal

from hallo2_core.animation.steady import STEADIED, SteadyConfig, SteadyFrames, last_shown
from hallo2_core.errors import SettingsError

SIDE, FRAMES, LEVELS = 32, 60, 6.0
ON = SteadyConfig(LEVELS)


def shimmering(seed=0, levels=1.0):
    """A still picture with noise of `levels` of 255 in every frame, (f h w 3)."""
    still = torch.linspace(0.2, 0.8, SIDE)[:, None, None].expand(SIDE, SIDE, 3)
    return still + levels / 255 * normal(seed, FRAMES, SIDE, SIDE, 3)


def shown(frames, config=ON, before=None):
    steady = SteadyFrames(config, before)
    return torch.stack([steady.next(frame) for frame in frames])


def change(frames):
    return float(frames.diff(dim=0).abs().mean())


def test_off_every_frame_is_what_it_was():
    frames = list(shimmering())
    steady = SteadyFrames(SteadyConfig(), frames[3])
    assert all(steady.next(frame) is frame for frame in frames)


def test_the_first_frame_is_what_it_was():
    frames = shimmering()
    assert torch.equal(shown(frames)[0], frames[0])


def test_shimmer_is_held_back_and_the_picture_stays():
    frames = shimmering()
    kept = shown(frames)
    assert change(kept) < 0.06 * change(frames)
    assert float((kept[-1] - frames.mean(dim=0)).abs().mean()) < 1.0 / 255


def test_what_moves_is_shown_at_once():
    frames = torch.zeros(10, SIDE, SIDE, 3)
    for number in range(10):
        frames[number, 8:16, 2 * number : 2 * number + 8] = 1.0
    assert torch.allclose(shown(frames), frames, atol=1e-6)


def test_beside_what_moves_the_picture_stands_still():
    frames = shimmering()
    frames[:, :, :8] = normal(3, FRAMES, SIDE, 8, 3)
    kept = shown(frames)
    assert torch.allclose(kept[:, :, :6], frames[:, :, :6], atol=1e-6)
    assert change(kept[:, :, 12:]) < 0.06 * change(frames[:, :, 12:])


def test_a_slow_change_is_followed():
    """A quarter of a level from frame to frame is less than any shimmer."""
    frames = (torch.arange(200.0) / 4 / 255)[:, None, None, None].expand(-1, SIDE, SIDE, 3)
    assert float((shown(frames)[-1] - frames[-1]).abs().max()) < LEVELS / 255


@pytest.mark.parametrize("levels", [2.0, 6.0, 12.0])
def test_more_levels_hold_back_more(levels):
    frames = shimmering(levels=3.0)
    assert change(shown(frames, SteadyConfig(levels))) > change(shown(frames, SteadyConfig(2 * levels)))


@pytest.mark.parametrize("cut", [1, 16, FRAMES - 1])
def test_in_pieces_as_in_one_go(cut):
    frames = shimmering()
    first = SteadyFrames(ON, None)
    begin = [first.next(frame) for frame in frames[:cut]]
    then = SteadyFrames(ON, last_shown(first.state(), None))
    assert torch.equal(torch.stack([*begin, *map(then.next, frames[cut:])]), shown(frames))


def test_a_job_keeps_one_frame_and_none_where_nothing_is_held_back():
    frames = shimmering()
    for config, names in ((ON, [STEADIED]), (SteadyConfig(), [])):
        steady = SteadyFrames(config, None)
        assert not steady.state()
        for frame in frames:
            steady.next(frame)
        assert list(steady.state()) == names


def test_a_video_goes_on_from_its_start_frames():
    """With alpha or without, as they come."""
    frames = shimmering()
    alpha = torch.cat([frames, torch.ones(FRAMES, SIDE, SIDE, 1)], dim=-1)
    assert last_shown({}, None) is None
    for start in (frames, alpha):
        assert torch.equal(last_shown({}, start), frames[-1])
        assert torch.equal(last_shown({STEADIED: frames[0]}, start), frames[0])
    assert change(shown(frames[:2], before=frames[-1])) < 0.1 * change(frames[:2])


@pytest.mark.parametrize("levels", [-0.5, 64.5, math.nan, math.inf])
def test_levels_out_of_range_are_refused(levels):
    with pytest.raises(SettingsError, match=r"steady is .*choose 0 \(off, as in the original\) to 64 levels of 255"):
        SteadyConfig(levels)
