import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.vq_autoencoder import AttentionBlock, Encoder, Generator, ResidualBlock

WIDTHS = (64, 128, 128, 256, 256, 512)  # the release's


def test_encoder_keeps_the_last_features_of_the_levels_asked_for():
    encoder = Encoder(3, 8, (32, 32, 64), blocks_per_level=2, norm_groups=16, build=Build())
    out, kept = encoder(torch.randn(1, 3, 32, 32), keep_sides=(16, 32))
    assert out.shape == (1, 8, 8, 8)
    assert {side: x.shape[1] for side, x in kept.items()} == {32: 32, 16: 32}
    assert encoder(torch.randn(1, 3, 32, 32))[1] == {}


def test_features_leave_and_enter_at_the_blocks_of_quirk_24():
    meta = Build(device="meta")
    assert Encoder(3, 256, WIDTHS, 2, 32, meta).level_ends == {2, 5, 8, 11, 14}
    assert Generator(256, 3, WIDTHS, 2, 32, meta).level_starts == {9, 12, 15, 18, 21}


def test_generator_puts_features_through_what_it_is_given_at_that_side_only():
    generator = Generator(8, 3, (32, 32, 64), blocks_per_level=1, norm_groups=16, build=Build())
    seen = []

    def spy(x):
        seen.append(tuple(x.shape))
        return x

    x = torch.randn(1, 8, 4, 4)
    out = generator(x, {8: spy})
    assert out.shape == (1, 3, 16, 16) and seen == [(1, 32, 8, 8)]
    torch.testing.assert_close(out, generator(x))


def test_attention_block_is_one_head_over_all_positions():
    block = AttentionBlock(32, norm_groups=8, build=Build())
    x = torch.randn(2, 32, 3, 5)
    own = block.norm(x).flatten(2)
    q, k, v = (part.weight[:, :, 0, 0] @ own + part.bias[:, None] for part in (block.q, block.k, block.v))
    weights = torch.softmax(q.transpose(1, 2) @ k * 32**-0.5, dim=-1)
    seen = (v @ weights.transpose(1, 2)).reshape(2, 32, 3, 5)
    torch.testing.assert_close(block(x), x + block.proj_out(seen), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("out_width", [32, 64])
def test_residual_block_is_the_same_with_and_without_gradients(out_width):
    block = ResidualBlock(32, out_width, norm_groups=8, build=Build())
    x = torch.randn(1, 32, 6, 6)
    hidden = block.conv1(F.silu(block.norm1(x)))
    expected = block.conv2(F.silu(block.norm2(hidden))) + (x if block.conv_out is None else block.conv_out(x))
    with torch.no_grad():
        before = x.clone()
        torch.testing.assert_close(block(x), expected)
        assert torch.equal(x, before)
    x.requires_grad_()
    block(x).square().sum().backward()
    assert x.grad.abs().sum() > 0 and block.norm1.weight.grad.abs().sum() > 0


def test_the_encoder_computes_in_channels_last_which_changes_nothing_but_the_layout():
    encoder = Encoder(3, 8, (32, 64), blocks_per_level=1, norm_groups=16, build=Build())
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        features, _ = encoder(x)
        expected = nn.Sequential(*encoder.blocks)(x)
    assert features.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
