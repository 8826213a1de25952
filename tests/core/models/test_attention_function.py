import torch
import torch.nn.functional as F
from tiny import normal

from hallo2_core.models import attention_function
from hallo2_core.models.attention_function import LARGEST_BATCH, sdpa


def test_sdpa_is_softmax_attention_of_each_head():
    q, k, v = normal(1, 2, 5, 12), normal(2, 2, 7, 12), normal(3, 2, 7, 12)
    got = sdpa(q, k, v, heads=3)
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / 2.0).softmax(dim=-1)
        torch.testing.assert_close(got[..., part], weights @ v[..., part])


def test_a_batch_beyond_what_a_cuda_grid_holds_is_split_and_gives_the_same_bits(monkeypatch):
    fused, batches = F.scaled_dot_product_attention, []

    def recording(q, k, v):
        batches.append(q.shape[0])
        return fused(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", recording)
    q, k, v = (normal(seed, 2 * LARGEST_BATCH + 1, length, 4) for seed, length in enumerate((2, 3, 3)))
    split = sdpa(q, k, v, heads=2)
    assert batches == [LARGEST_BATCH, LARGEST_BATCH, 1]
    q, k, v = (x.unflatten(-1, (2, 2)).transpose(1, 2) for x in (q, k, v))
    assert torch.equal(split, fused(q, k, v).transpose(1, 2).flatten(2))


def test_a_split_batch_has_gradients(monkeypatch):
    monkeypatch.setattr(attention_function, "LARGEST_BATCH", 2)
    with torch.enable_grad():
        q, k, v = (normal(seed, 5, 3, 8).requires_grad_() for seed in range(3))
        sdpa(q, k, v, heads=2).square().sum().backward()
        split = [x.grad.clone() for x in (q, k, v)]
        monkeypatch.undo()
        for x in (q, k, v):
            x.grad = None
        sdpa(q, k, v, heads=2).square().sum().backward()
    for ours, whole in zip(split, (q, k, v), strict=True):
        torch.testing.assert_close(ours, whole.grad)
