import torch

from hallo2_core.models.attention_function import sdpa
from hallo2_core.training.plain_attention import plain_attention


def test_plain_products_are_fused_attention_with_its_gradients():
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(3, length, 8, generator=generator).requires_grad_() for length in (5, 7, 7)]
    found, expected = ([function(*inputs, heads=2)] for function in (plain_attention, sdpa))
    for result in (found, expected):
        result += torch.autograd.grad(result[0].square().sum(), inputs)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
