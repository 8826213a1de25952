import diffusers.models.attention as theirs
import pytest
import torch
from diffusers.models.attention_processor import Attention as TheirAttention
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from tiny import normal

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models import casting, layers
from hallo2_core.models.layers import (
    Attention,
    Build,
    FeedForward,
    KeyValues,
    Network,
    TimeEmbedding,
    compute_dtype_of,
    precision_of,
    storage_dtype_of,
)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def seeded(layer):
    fill_with_seeded_weights(layer, "layer.")
    return layer


def with_the_weights_of(layer, oracle):
    oracle.load_state_dict(layer.state_dict(), strict=True)
    return oracle


def test_attention_equals_diffusers_and_takes_context_of_another_width():
    ours = seeded(Attention(16, 24, 4, Build()))
    oracle = with_the_weights_of(ours, TheirAttention(16, cross_attention_dim=24, heads=4, dim_head=4))
    x, context = normal(1, 2, 9, 16), normal(2, 2, 5, 24)
    torch.testing.assert_close(ours(x, ours.keys_values(context)), oracle(x, context))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="width 20 is not a multiple of 8 heads"):
        Attention(20, 20, 8, Build())


def test_attention_goes_through_the_function_that_is_handed_in():
    seen = []

    def first_value(q, k, v, heads):
        seen.append((q.shape, k.shape, heads))
        return v[:, :1].expand_as(q)

    attention = seeded(Attention(16, 24, 4, Build(attention=first_value)))
    context = normal(1, 2, 5, 24)
    got = attention(normal(2, 2, 9, 16), attention.keys_values(context))
    expected = attention.to_out[0](attention.to_v(context)[:, :1]).expand_as(got)
    torch.testing.assert_close(got, expected)
    assert seen == [((2, 9, 16), (2, 5, 16), 4)]


def test_feed_forward_equals_diffusers():
    ours = seeded(FeedForward(16, Build()))
    oracle = with_the_weights_of(ours, theirs.FeedForward(16, activation_fn="geglu"))
    x = 3 * normal(1, 2, 9, 16)
    torch.testing.assert_close(ours(x), oracle(x))


@pytest.mark.parametrize("timestep", [0, 1, 499, 999])
def test_time_embedding_equals_diffusers(timestep):
    ours = seeded(TimeEmbedding(32, Build()))
    oracle = with_the_weights_of(ours, TimestepEmbedding(32, 128))
    waves = Timesteps(32, flip_sin_to_cos=True, downscale_freq_shift=0)(torch.tensor([timestep]))
    torch.testing.assert_close(ours(timestep, like=torch.zeros(1)), oracle(waves))


def test_a_network_computes_in_the_dtype_of_its_weights_unless_it_was_built_otherwise():
    plain = network_of_one_layer(Build(dtype=torch.bfloat16))
    assert compute_dtype_of(plain) == storage_dtype_of(plain) == torch.bfloat16
    assert precision_of(plain) == "bfloat16"
    casts = network_of_one_layer(Build(casting, dtype=torch.float16, compute_dtype=torch.float32))
    assert (storage_dtype_of(casts), compute_dtype_of(casts)) == (torch.float16, torch.float32)
    assert precision_of(casts) == "float16 weights, float32 arithmetic"


def test_operations_that_round_in_their_own_way_are_part_of_a_networks_precision():
    kinds = {name: getattr(casting, name) for name in ("Linear", "Conv2d", "GroupNorm", "LayerNorm")}
    fast = type("Fast", (), kinds | {"arithmetic": "fp8_ops"})
    build = Build(fast, dtype=torch.float8_e4m3fn, compute_dtype=torch.float16, device="meta")
    assert precision_of(network_of_one_layer(build)) == "float8_e4m3fn weights, float16 arithmetic (fp8_ops)"


def network_of_one_layer(build):
    network = Network(build)
    network.layer = build.linear(8, 8)
    return network


def test_eight_bits_hold_matrices_and_kernels_only():
    build = Build(casting, dtype=torch.float8_e4m3fn, compute_dtype=torch.float16, device="meta")
    layers = (build.linear(8, 8), build.conv2d(8, 8, 3), build.group_norm(2, 8, 1e-5), build.layer_norm(8))
    tensors = [tensor for layer in layers for tensor in layer.state_dict().values()]
    assert {tensor.dtype for tensor in tensors if tensor.ndim > 1} == {torch.float8_e4m3fn}
    assert {tensor.dtype for tensor in tensors if tensor.ndim == 1} == {torch.float16}
    with pytest.raises(ValueError, match="need a compute_dtype"):
        Build(casting, dtype=torch.float8_e4m3fn)


def test_key_values_of_a_constant_context_serve_many_queries():
    attention = seeded(Attention(16, 24, 4, Build()))
    context = normal(1, 1, 5, 24)
    kept = attention.keys_values(context)
    for seed in (2, 3):
        x = normal(seed, 1, 9, 16)
        again = KeyValues(attention.to_k(context), attention.to_v(context))
        assert torch.equal(attention(x, kept), attention(x, again))


def test_feed_forward_in_pieces_is_feed_forward(monkeypatch):
    ours, x = seeded(FeedForward(16, Build())), normal(1, 5, 9, 16)
    whole = ours(x)
    sizes = []
    hook = ours.net[2].register_forward_hook(lambda *call: sizes.append(len(call[2])))
    monkeypatch.setattr(layers, "FEED_FORWARD_TOKENS", 20)
    torch.testing.assert_close(ours(x), whole)
    hook.remove()
    assert sizes == [2, 2, 1]


def test_a_number_as_timestep_is_not_copied_to_the_device(monkeypatch):
    """Each copy of host memory would make the host wait for the device, in every step."""
    embedding = seeded(TimeEmbedding(32, Build()))
    expected = embedding(torch.tensor([400]), like=torch.zeros(1))
    for name in ("tensor", "as_tensor"):
        monkeypatch.setattr(torch, name, None)
    assert torch.equal(embedding(400, like=torch.zeros(1)), expected)
