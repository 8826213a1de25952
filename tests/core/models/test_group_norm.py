"""Group norms in both layouts, against torch's in double precision."""

import pytest
import torch
import torch.nn.functional as F
from tiny import normal

from hallo2_core.models.group_norm import group_norm

CHANNELS_LAST = torch.channels_last
WEIGHT, BIAS = normal(1, 8), normal(2, 8)


def exact(x, groups):
    return F.group_norm(x.double(), groups, WEIGHT.double(), BIAS.double(), 1e-6)


@pytest.mark.parametrize("layout", [CHANNELS_LAST, torch.contiguous_format], ids=["channels last", "contiguous"])
@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("size", [(2, 5, 7), (1, 256, 256), (3, 2, 3)], ids=str)
def test_it_is_exact_and_keeps_the_layout(layout, groups, size):
    batch, height, width = size
    x = (normal(0, batch, 8, height, width) + 1).contiguous(memory_format=layout)
    before = x.clone()
    found = group_norm(x, groups, WEIGHT, BIAS, 1e-6)
    torch.testing.assert_close(found.double(), exact(x, groups), rtol=0, atol=5e-6)
    assert found.is_contiguous(memory_format=layout)
    assert torch.equal(x, before)


def test_features_of_other_dimensions_are_torchs():
    x = normal(0, 2, 8, 5)
    assert torch.equal(group_norm(x, 2, WEIGHT, BIAS, 1e-6), F.group_norm(x, 2, WEIGHT, BIAS, 1e-6))


def test_gradients_are_torchs():
    x = normal(0, 2, 8, 5, 7).contiguous(memory_format=CHANNELS_LAST).requires_grad_()
    other = x.detach().clone().requires_grad_()
    group_norm(x, 2, WEIGHT, BIAS, 1e-6).square().sum().backward()
    exact(other, 2).square().sum().backward()
    torch.testing.assert_close(x.grad, other.grad, rtol=0, atol=1e-4)
