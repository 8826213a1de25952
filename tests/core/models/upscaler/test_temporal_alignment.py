import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.temporal_alignment import PositionedAttention, TemporalAlignment

FRAMES, PLACES, WIDTH = 5, 6, 16


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return TemporalAlignment(WIDTH, 24, heads=4, build=Build())


def torch_attention(ours):
    """torch's own multi-head attention with the same weights."""
    theirs = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
    state = {
        "in_proj_weight": torch.cat([ours.to_qk.weight, ours.to_v.weight]),
        "in_proj_bias": torch.cat([ours.to_qk.bias, ours.to_v.bias]),
        "out_proj.weight": ours.to_out.weight,
        "out_proj.bias": ours.to_out.bias,
    }
    theirs.load_state_dict(state)
    return theirs


def test_attention_is_torch_multihead_attention_with_positions_on_queries_and_keys_only():
    ours = PositionedAttention(WIDTH, heads=4, build=Build())
    x, position = torch.randn(3, PLACES, WIDTH), torch.randn(PLACES, WIDTH)
    expected, _ = torch_attention(ours)(x + position, x + position, x)
    torch.testing.assert_close(ours(x, position), expected, rtol=1e-4, atol=1e-5)


def test_layer_is_spatial_then_temporal_attention_each_followed_by_a_feed_forward(layer):
    x, position = torch.randn(2 * FRAMES, PLACES, WIDTH), torch.randn(PLACES, WIDTH)

    def feed_forward(part, tokens):
        return part.linear2(F.gelu(part.linear1(tokens)))

    expected = x
    own = layer.spatial_norm(expected)
    expected = expected + torch_attention(layer.spatial_attn)(own + position, own + position, own)[0]
    expected = expected + feed_forward(layer.spatial_ff, layer.spatial_ff_norm(expected))
    over_time = rearrange(expected, "(b f) l d -> (b l) f d", b=2)
    own = layer.temporal_norm(over_time)
    placed = own + position.repeat(2, 1).unsqueeze(1)
    over_time = over_time + torch_attention(layer.temporal_attn)(placed, placed, own)[0]
    expected = rearrange(over_time, "(b l) f d -> (b f) l d", b=2)
    expected = expected + feed_forward(layer.temporal_ff, layer.temporal_ff_norm(expected))
    torch.testing.assert_close(layer(x, position, FRAMES), expected, rtol=1e-4, atol=1e-5)


def test_frames_have_no_order(layer):
    x, position = torch.randn(FRAMES, PLACES, WIDTH), torch.randn(PLACES, WIDTH)
    order = [3, 0, 4, 1, 2]
    torch.testing.assert_close(layer(x[order], position, FRAMES), layer(x, position, FRAMES)[order])


def test_videos_of_a_batch_do_not_see_each_other_but_frames_of_one_video_do(layer):
    first, second, position = (torch.randn(*n, PLACES, WIDTH) for n in ((FRAMES,), (FRAMES,), ()))
    both = layer(torch.cat([first, second]), position, FRAMES)
    torch.testing.assert_close(both[:FRAMES], layer(first, position, FRAMES))
    changed = first.clone()
    changed[0] = changed[0].flip(-1)
    assert not torch.allclose(layer(changed, position, FRAMES)[1:], layer(first, position, FRAMES)[1:], atol=1e-4)
