import pytest
import torch
from tiny import normal

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models.audio_attention import AudioBlock, AudioTransformer
from hallo2_core.models.layers import Build

FRAMES, TOKENS, WIDTH, AUDIO_WIDTH = 3, 16, 32, 20


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def block():
    block = AudioBlock(WIDTH, AUDIO_WIDTH, heads=4, build=Build())
    fill_with_seeded_weights(block, "block.")
    return block


AUDIO = normal(1, FRAMES, 6, AUDIO_WIDTH)
MASKS = normal(2, 3, 1, TOKENS).sigmoid()  # the same for all frames
WEIGHTS = normal(3, 3, FRAMES).abs()
X = normal(4, 2 * FRAMES, TOKENS, WIDTH)


def as_in_the_original(block, x, audio_tokens, masks, weights):
    """All frames of one half, written as quirk 11 puts it: attend, mask, convolve with bias, weigh, add up."""
    own = block.norm1(x)
    x = x + block.attn1(own, block.attn1.keys_values(own))
    queries, speech = block.norm2(x), 0
    attentions = block.attn2_0, block.attn2_1, block.attn2_2
    zero_convs = block.zero_conv_full, block.zero_conv_face, block.zero_conv_lip
    for region, (attention, zero_conv) in enumerate(zip(attentions, zero_convs, strict=True)):
        attended = attention(queries, attention.keys_values(audio_tokens)) * masks[region].unsqueeze(-1)
        convolved = attended @ zero_conv.weight[:, :, 0, 0].T + zero_conv.bias
        speech = speech + weights[region][:, None, None] * convolved
    x = x + speech
    return x + block.ff(block.norm3(x))


def test_speech_acts_through_three_masks(block):
    got = block(X[FRAMES:], block.conditions(AUDIO, MASKS, WEIGHTS))
    torch.testing.assert_close(got, as_in_the_original(block, X[FRAMES:], AUDIO, MASKS, WEIGHTS))


def test_the_unconditional_half_gets_what_tokens_of_zeros_would_give(block):
    """It never attends: the same numbers as the original's attention to zeros."""
    got = block(X, block.conditions(AUDIO, MASKS, WEIGHTS))
    silent = as_in_the_original(block, X[:FRAMES], torch.zeros_like(AUDIO), MASKS, WEIGHTS)
    torch.testing.assert_close(got[:FRAMES], silent)
    torch.testing.assert_close(got[FRAMES:], as_in_the_original(block, X[FRAMES:], AUDIO, MASKS, WEIGHTS))


def test_the_bias_of_a_zero_convolution_is_not_masked(block):
    nowhere = torch.zeros_like(MASKS)
    conditions = block.conditions(AUDIO, nowhere, torch.ones_like(WEIGHTS))
    biases = block.zero_conv_full.bias + block.zero_conv_face.bias + block.zero_conv_lip.bias
    silent = conditions.silent()
    torch.testing.assert_close(silent, biases.expand_as(silent))
    expected = as_in_the_original(block, X[FRAMES:], AUDIO, nowhere, torch.ones_like(WEIGHTS))
    torch.testing.assert_close(block(X, conditions)[FRAMES:], expected)


@pytest.mark.parametrize("region", range(3))
def test_a_weight_of_zero_switches_a_region_off(block, region):
    """Not a word of the region's own branch is left, neither its attention nor its bias."""
    weights = WEIGHTS.clone()
    weights[region] = 0
    other_masks = MASKS.clone()
    other_masks[region] = 1 - other_masks[region]
    one, other = (block(X, block.conditions(AUDIO, masks, weights)) for masks in (MASKS, other_masks))
    assert torch.equal(one, other)
    assert not torch.allclose(one, block(X, block.conditions(AUDIO, MASKS, WEIGHTS)), atol=1e-3)


def test_weights_are_per_frame(block):
    weights = WEIGHTS.clone()
    weights[:, 1] = 2.0
    one, other = (block(X, block.conditions(AUDIO, MASKS, given)) for given in (WEIGHTS, weights))
    changed = [not torch.equal(a, b) for a, b in zip(one, other, strict=True)]
    assert changed == [False, True, False] * 2


def test_exchanged_masks_change_the_result(block):
    one, other = (block(X, block.conditions(AUDIO, masks, WEIGHTS)) for masks in (MASKS, MASKS[[0, 2, 1]]))
    assert (one - other).abs().max() > 0.05


def test_a_step_calls_no_projection_of_speech(block):
    """Queries, outputs and zero convolutions of the three regions are matrices of the conditions."""
    conditions = block.conditions(AUDIO, MASKS, WEIGHTS)
    expected = block(X, conditions)
    layers = [layer for name, layer in block.named_modules() if name.startswith(("attn2_", "zero_conv_"))]

    def refuse(*_):
        raise AssertionError("computed in a step")

    hooks = [layer.register_forward_pre_hook(refuse) for layer in layers]
    try:
        assert torch.equal(block(X, conditions), expected)
    finally:
        for hook in hooks:
            hook.remove()


def test_masks_may_differ_between_frames(block):
    masks = MASKS.repeat(1, FRAMES, 1)
    masks[:, 1] = 1 - masks[:, 1]
    got = block(X[FRAMES:], block.conditions(AUDIO, masks, WEIGHTS))
    one, other = (as_in_the_original(block, X[FRAMES:], AUDIO, given, WEIGHTS) for given in (MASKS, 1 - MASKS))
    torch.testing.assert_close(got, torch.stack([one[0], other[1], one[2]]))


def test_the_inner_width_may_be_smaller_than_the_feature_map():
    transformer = AudioTransformer(64, 32, AUDIO_WIDTH, heads=4, norm_groups=16, build=Build())
    fill_with_seeded_weights(transformer, "transformer.")
    x = normal(5, FRAMES, 64, 4, 4)
    got = transformer(x, transformer.conditions(AUDIO, MASKS, WEIGHTS))
    assert got.shape == x.shape and not torch.equal(got, x)
    assert transformer.proj_in.weight.shape == (32, 64, 1, 1) and transformer.proj_out.weight.shape == (64, 32, 1, 1)
