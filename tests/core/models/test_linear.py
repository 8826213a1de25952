"""The linear product, against torch's."""

import pytest
import torch
import torch.nn.functional as F
from tiny import normal

from hallo2_core.models import linear as module
from hallo2_core.models.linear import linear

WEIGHT, BIAS = normal(1, 6, 8), normal(2, 6)
WIDE = normal(0, 2, 5, 9, 8)


@pytest.mark.parametrize(
    "x",
    [WIDE, WIDE[:, 1:, ::2], WIDE.transpose(1, 2), WIDE[0, 0, 0], WIDE[:0]],
    ids=["plain", "slices", "transposed", "a vector", "nothing"],
)
@pytest.mark.parametrize("weight", [WEIGHT, WEIGHT.mT.contiguous().mT], ids=["plain weight", "transposed weight"])
@pytest.mark.parametrize("bias", [BIAS, None], ids=["bias", "no bias"])
def test_it_is_torchs_linear(x, weight, bias):
    found, expected = linear(x, weight, bias), F.linear(x, weight, bias)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def by_onednn(monkeypatch):
    """The calls of oneDNN."""
    if module.ONEDNN_LINEAR is None:
        pytest.skip("this build of torch has no oneDNN")
    calls = []

    def recorded(*inputs):
        calls.append(inputs)
        return torch.ops.mkldnn._linear_pointwise(*inputs)

    monkeypatch.setattr(module, "ONEDNN_LINEAR", recorded)
    return calls


def test_floats_without_gradients_go_to_onednn(by_onednn):
    with torch.inference_mode():
        linear(WIDE, WEIGHT, BIAS)
    linear(WIDE, WEIGHT, BIAS)
    with torch.no_grad():
        linear(WIDE, WEIGHT.clone().requires_grad_(), BIAS)
    assert len(by_onednn) == 3


def test_gradients_come_from_torch(by_onednn):
    weight = WEIGHT.clone().requires_grad_()
    linear(WIDE, weight, BIAS).sum().backward()
    assert not by_onednn
    torch.testing.assert_close(weight.grad, WIDE.sum(dim=(0, 1, 2)).expand(6, 8))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_other_dtypes_are_torchs(by_onednn, dtype):
    inputs = [tensor.to(dtype) for tensor in (WIDE, WEIGHT, BIAS)]
    assert torch.equal(linear(*inputs), F.linear(*inputs))
    assert not by_onednn


def test_other_devices_are_torchs(by_onednn):
    assert linear(*(tensor.to("meta") for tensor in (WIDE, WEIGHT, BIAS))).shape == (2, 5, 9, 6)
    assert not by_onednn


def test_a_compiler_chooses_its_own_kernel():
    """Inductor fails on oneDNN's where the weight is an input of the graph."""
    called = []

    def compiler(graph, _inputs):
        called.extend(str(node.target) for node in graph.graph.nodes if node.op == "call_function")
        return graph.forward

    compiled = torch.compile(linear, backend=compiler, fullgraph=True)
    assert torch.equal(compiled(WIDE, WEIGHT, BIAS), F.linear(WIDE, WEIGHT, BIAS))
    assert len(called) == 1 and "mkldnn" not in called[0]


def test_without_onednn_torchs_is_used(monkeypatch):
    monkeypatch.setattr(module, "ONEDNN_LINEAR", None)
    assert torch.equal(linear(WIDE, WEIGHT, BIAS), F.linear(WIDE, WEIGHT, BIAS))
