import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from tiny import normal

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models.layers import Build
from hallo2_core.models.resnet import Downsample, ResnetBlock


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def seeded(layer):
    fill_with_seeded_weights(layer, "layer.")
    return layer


@pytest.mark.parametrize("out_width", [32, 48])
@pytest.mark.parametrize("time_width", [20, None])
def test_resnet_block_equals_diffusers(out_width, time_width):
    ours = seeded(ResnetBlock(32, out_width, 16, Build(), time_width, eps=1e-5))
    oracle = ResnetBlock2D(in_channels=32, out_channels=out_width, temb_channels=time_width, groups=16, eps=1e-5)
    oracle.load_state_dict(ours.state_dict(), strict=True)
    x = normal(1, 3, 32, 6, 4)
    time = None if time_width is None else normal(2, 1, time_width)
    torch.testing.assert_close(ours(x, time), oracle(x, time))


def test_the_vae_pads_right_and_bottom_the_unets_all_around():
    x = normal(1, 1, 8, 6, 6)
    around, one_side = (seeded(Downsample(8, Build(), pads_one_side=flag)) for flag in (False, True))
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    by_hand = torch.nn.functional.conv2d(padded, around.conv.weight, around.conv.bias)
    torch.testing.assert_close(around(x), by_hand[..., ::2, ::2])
    torch.testing.assert_close(one_side(x), by_hand[..., 1::2, 1::2])
