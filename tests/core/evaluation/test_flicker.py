import pytest
import torch
import torch.nn.functional as F
from einops import rearrange

from hallo2_core.evaluation.flicker import Flicker
from hallo2_core.evaluation.optical_flow import is_inside, optical_flow, warped

SIDE = 96


def texture(seed=0, side=SIDE + 32):
    """(3 h w), 0..1: smooth."""
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)[0]


def frame_at(x, y=0, noise=0.0, seed=0):
    """(h w 3) uint8: the texture, moved by whole pixels."""
    picture = rearrange(texture()[:, 16 + y : 16 + y + SIDE, 16 + x : 16 + x + SIDE], "c h w -> h w c") * 255
    picture = picture + noise * torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    return picture.round().clamp(0, 255).byte()


def flicker_of(frames):
    flicker = Flicker()
    for frame in frames:
        flicker.add(frame)
    return flicker.figures()["flicker"]


@pytest.mark.parametrize("motion", [(0, 0), (1, 0), (3, -2), (0.5, 0.25), (7, 5)], ids=str)
def test_the_flow_of_a_moved_picture(motion):
    picture = texture().mean(dim=0, keepdim=True).unsqueeze(0)
    flow = torch.tensor(motion, dtype=torch.float32).reshape(1, 2, 1, 1).expand(1, 2, *picture.shape[-2:])
    found = optical_flow(warped(picture, flow), picture)
    assert (found - flow)[..., 16:-16, 16:-16].abs().max() < 0.1


def test_a_flow_that_leaves_the_picture_is_known():
    flow = torch.zeros(1, 2, 4, 6)
    flow[:, 0] = 2.0
    assert is_inside(flow)[0, 0].all(dim=0).tolist() == [True] * 4 + [False] * 2


def test_a_static_video_does_not_flicker():
    assert flicker_of([frame_at(3)] * 4) == pytest.approx(0.0, abs=1e-3)


def test_motion_is_no_flicker_and_noise_is():
    """Noise of deviation 4: the difference of two such frames has a mean of 4 √2 √(2/π) = 4.5 levels."""
    moving = [frame_at(step, step // 2) for step in range(0, 12, 2)]
    noisy = [frame_at(step, step // 2, noise=4.0, seed=step) for step in range(0, 12, 2)]
    change = torch.stack(moving).float().diff(dim=0).abs().mean()
    assert flicker_of(moving) < 0.05 * change
    assert flicker_of(noisy) == pytest.approx(4.5, rel=0.2)


def test_every_frame_but_the_first_has_a_value_and_one_frame_none():
    flicker = Flicker()
    assert flicker.add(frame_at(0)) == {} and flicker.figures() == {}
    second, third = flicker.add(frame_at(1, noise=2.0)), flicker.add(frame_at(2))
    assert flicker.figures()["flicker"] == pytest.approx((second["flicker"] + third["flicker"]) / 2)


def test_large_frames_are_reduced():
    large = [rearrange(F.interpolate(texture(s)[None], (300, 600)), "1 c h w -> h w c").mul(255).byte() for s in (0, 0)]
    assert flicker_of(large) == pytest.approx(0.0, abs=1e-3)
