"""Layers that cast their weights on use, against torch's layers with the same weights."""

import pytest
import torch
from tiny import normal
from torch import nn

from hallo2_core.models import casting

LAYERS = {
    "linear": ("Linear", (8, 6), {}, (2, 5, 8)),
    "linear without bias": ("Linear", (8, 6), {"bias": False}, (2, 5, 8)),
    "conv1d": ("Conv1d", (8, 6, 3), {"padding": 1}, (2, 8, 5)),
    "conv2d": ("Conv2d", (8, 6, 3), {"padding": 1, "stride": 2, "groups": 2}, (2, 8, 5, 5)),
    "group norm": ("GroupNorm", (2, 8), {"eps": 1e-3}, (2, 8, 5, 5)),
    "layer norm": ("LayerNorm", (8,), {"eps": 1e-3}, (2, 5, 8)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("storage", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_a_layer_equals_torchs_own_on_the_weights_as_they_are_stored(name, storage):
    kind, arguments, named, shape = LAYERS[name]
    ours = getattr(casting, kind)(*arguments, **named)
    for number, parameter in enumerate(ours.parameters()):
        parameter.data = normal(number, *parameter.shape)
    theirs = getattr(nn, kind)(*arguments, **named)
    rounded = {key: tensor.to(storage).float() for key, tensor in ours.state_dict().items()}
    theirs.load_state_dict(rounded)
    for parameter in ours.parameters():
        parameter.data = parameter.data.to(storage)
    x = normal(9, *shape)
    assert torch.equal(ours(x), theirs(x))
    assert {parameter.dtype for parameter in ours.parameters()} == {storage}


@pytest.mark.parametrize("side", [8, 1])
def test_a_trained_group_norm_takes_channels_last_input_that_needs_no_gradient(side):
    """torch's own ends the process on the CPU."""
    norm = casting.GroupNorm(4, 16)
    tokens = torch.randn(2, side * side, 16, generator=torch.Generator().manual_seed(0))
    x = tokens.transpose(1, 2).unflatten(2, (side, side))
    assert x.is_contiguous(memory_format=torch.channels_last)
    norm(x).square().sum().backward()
    expected = torch.nn.GroupNorm(4, 16)
    expected(x.clone(memory_format=torch.contiguous_format)).square().sum().backward()
    torch.testing.assert_close(norm.weight.grad, expected.weight.grad)


def test_without_gradients_a_group_norm_keeps_the_layout():
    """Convolutions of the upscaler are faster in channels last on a CPU."""
    x = normal(0, 2, 16, 8, 8).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        assert casting.GroupNorm(4, 16)(x).is_contiguous(memory_format=torch.channels_last)
