import pytest
import torch
from torch import nn

from hallo2_core.training.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(2, 24, 8), (2, 8, 24), (1, 16, 16)])
def test_singular_values_come_near_one(shape):
    values = torch.linalg.svdvals(orthogonalized(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
    assert values.min() > 0.3 and values.max() < 1.3


def test_matrices_that_are_updated_together_are_updated_as_if_alone():
    torch.manual_seed(1)
    together = [nn.Parameter(torch.randn(6, 4)) for _ in range(3)]
    alone = [nn.Parameter(p.detach().clone()) for p in together]
    gradients = [torch.randn(6, 4) for _ in together]
    for parameters, optimizers in ((together, [Muon(together)]), (alone, [Muon([p]) for p in alone])):
        for _ in range(2):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient.clone()
            for optimizer in optimizers:
                optimizer.step()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other)


def test_learns_a_convolution():
    torch.manual_seed(2)
    true, learned = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)
    optimizer = Muon([learned.weight], lr=0.02)
    x = torch.randn(16, 3, 8, 8)
    target = (true(x) - true.bias.reshape(1, -1, 1, 1)).detach()
    losses = []
    for _ in range(60):
        loss = (learned(x) - learned.bias.reshape(1, -1, 1, 1) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_vectors_are_refused():
    with pytest.raises(ValueError, match="vectors"):
        Muon([nn.Parameter(torch.zeros(4))])
