import pytest
import torch
from tiny import normal
from torch import nn

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models import casting
from hallo2_core.models.layers import Attention, Build, KeyValues
from hallo2_core.models.merged_keys import MergedKeys, is_cheaper_merged, matrix_and_bias

WIDTH, HEADS, TOKENS = 64, 8, 4


@pytest.fixture(scope="module")
def attention():
    attention = Attention(WIDTH, 24, HEADS, Build())
    fill_with_seeded_weights(attention.requires_grad_(False), "attention.")
    return attention


def test_merged_keys_give_what_the_projections_give(attention):
    context, x = normal(1, 2, TOKENS, 24), normal(2, 2, 9, WIDTH)
    merged = attention.constant_keys_values(context)
    assert isinstance(merged, MergedKeys) and merged.k.shape == merged.v.shape == (2, HEADS * TOKENS, WIDTH)
    torch.testing.assert_close(attention(x, merged), attention(x, attention.keys_values(context)))
    torch.testing.assert_close(attention(x[1:], merged.last()), attention(x, merged)[1:])


def test_tokens_are_not_merged_where_that_would_cost_more(attention):
    assert isinstance(attention.constant_keys_values(normal(1, 2, TOKENS + 1, 24)), KeyValues)
    assert is_cheaper_merged(320, heads=8, tokens=4)  # the released face tokens
    assert not is_cheaper_merged(320, heads=8, tokens=32)  # the released audio tokens


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 2e-3), (torch.bfloat16, 1.5e-2)], ids=str)
def test_rounding_is_that_of_the_projections(attention, dtype, limit):
    """Keys with much in common and large logits, where merged logits would lose most if keys were not centered."""
    context, x = 3 * normal(1, 1, TOKENS, 24) + 30 * normal(3, 1, 1, 24), 3 * normal(2, 1, 200, WIDTH)
    exact = attention(x, attention.keys_values(context))
    half = Attention(WIDTH, 24, HEADS, Build(dtype=dtype)).requires_grad_(False)
    half.load_state_dict(attention.state_dict())
    context, x = context.to(dtype), x.to(dtype)

    def error(keys):
        return (half(x, keys).float() - exact).square().mean().sqrt() / exact.std()

    merged, projected = error(half.constant_keys_values(context)), error(half.keys_values(context))
    assert merged <= max(1.5 * projected, limit), (merged, projected)


def test_gradients_reach_the_merged_projections():
    attention = Attention(WIDTH, 24, HEADS, Build())
    fill_with_seeded_weights(attention, "attention.")
    attention.requires_grad_(True)
    context, x = normal(1, 2, TOKENS, 24), normal(2, 2, 9, WIDTH)
    gradients = []
    for keys in (attention.keys_values, attention.constant_keys_values):
        attention.zero_grad()
        attention(x, keys(context)).square().sum().backward()
        gradients.append({name: weight.grad.clone() for name, weight in attention.named_parameters()})
    torch.testing.assert_close(*gradients, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("layer", [nn.Linear(6, 5), nn.Conv2d(6, 5, 1)], ids=["linear", "convolution"])
def test_a_layer_is_read_by_calling_it(layer):
    matrix, bias = matrix_and_bias(layer, 6, like=torch.zeros(1))
    torch.testing.assert_close(matrix, layer.weight.flatten(1).T, atol=1e-7, rtol=1e-6)
    assert torch.equal(bias, layer.bias)


def test_a_large_bias_does_not_spoil_small_weights_in_half_precision():
    layer = nn.Linear(6, 5, dtype=torch.float16)
    with torch.no_grad():
        layer.weight.copy_(1e-2 * normal(1, 5, 6))
        layer.bias.fill_(1.0)
        matrix, _ = matrix_and_bias(layer, 6, like=layer.weight)
    torch.testing.assert_close(matrix, layer.weight.T, atol=3e-6, rtol=1e-3)


def test_layers_that_cast_are_read_in_the_dtype_of_the_arithmetic():
    layer = casting.Linear(6, 5, dtype=torch.float16)
    matrix, bias = matrix_and_bias(layer, 6, like=torch.zeros(1))
    assert matrix.dtype == bias.dtype == torch.float32
    torch.testing.assert_close(matrix, layer.weight.T.float(), atol=1e-7, rtol=1e-6)
