import pytest
import torch
from tiny import normal

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.models.layers import Build, KeyValues
from hallo2_core.models.merged_keys import MergedKeys
from hallo2_core.models.spatial_attention import ReferenceKeys, SpatialBlock, SpatialTransformer

FRAMES, TOKENS, WIDTH = 3, 16, 32


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def block():
    block = SpatialBlock(WIDTH, 24, heads=4, build=Build())
    fill_with_seeded_weights(block, "block.")
    return block


def face_keys(block, cond_batch=2):
    return block.attn2.keys_values(normal(7, 2, 4, 24)[-cond_batch:])


def reference(block, banks, rows):
    return ReferenceKeys(block.attn1.keys_values(banks), rows)


def test_the_unconditional_half_never_sees_the_portrait(block):
    """Quirk 2: bit for bit the same whatever the banks are."""
    x, face = normal(1, 2 * FRAMES, TOKENS, WIDTH), face_keys(block)
    one = block(x, face, reference(block, normal(2, 2, TOKENS, WIDTH), [0, 1, 0]))
    other = block(x, face, reference(block, normal(3, 2, TOKENS, WIDTH), [0, 1, 0]))
    without = block(x, face)
    assert torch.equal(one[:FRAMES], other[:FRAMES])
    torch.testing.assert_close(one[:FRAMES], without[:FRAMES])
    assert not torch.allclose(one[FRAMES:], other[FRAMES:], atol=0.01)


def test_each_frame_looks_at_the_bank_its_row_says_beside_its_own_tokens(block):
    """Against the original's wording: queries from own tokens, keys and values from own and reference tokens."""
    rows = [1, 0, 1]
    x, face, banks = normal(1, FRAMES, TOKENS, WIDTH), face_keys(block, cond_batch=1), normal(2, 2, TOKENS, WIDTH)
    got = block(x, face, reference(block, banks, rows))
    for frame, row in enumerate(rows):
        own = block.norm1(x[frame : frame + 1])
        together = torch.cat([own, banks[row : row + 1]], dim=1)
        hidden = x[frame : frame + 1] + block.attn1(own, block.attn1.keys_values(together))
        hidden = hidden + block.attn2(block.norm2(hidden), face)
        hidden = hidden + block.ff(block.norm3(hidden))
        torch.testing.assert_close(got[frame : frame + 1], hidden)


def test_without_guidance_there_is_only_the_conditional_half(block):
    x, banks = normal(1, 2 * FRAMES, TOKENS, WIDTH), normal(2, 2, TOKENS, WIDTH)
    guided = block(x, face_keys(block), reference(block, banks, [0, 1, 0]))
    alone = block(x[FRAMES:], face_keys(block, cond_batch=1), reference(block, banks, [0, 1, 0]))
    torch.testing.assert_close(guided[FRAMES:], alone)


def test_the_bank_is_what_self_attention_was_given():
    """Taken on the way or alone, the bank is norm1's output; `bank` needs nothing behind norm1."""
    transformer = SpatialTransformer(WIDTH, 24, heads=4, norm_groups=8, build=Build())
    fill_with_seeded_weights(transformer, "transformer.")
    x = normal(1, 2, WIDTH, 4, 6)
    seen = []
    hook = transformer.transformer_blocks[0].norm1.register_forward_hook(lambda *call: seen.append(call[2]))
    face = transformer.face_keys(normal(2, 2, 4, 24))
    out, bank = transformer.with_bank(x, face)
    hook.remove()
    assert bank.shape == (2, 24, WIDTH) and torch.equal(out, transformer(x, face))
    assert torch.equal(bank, seen[0]) and torch.equal(transformer.bank(x), bank)


def test_reference_keys_come_from_the_projections_of_the_own_tokens_without_another_norm(block):
    transformer = SpatialTransformer(WIDTH, 24, heads=4, norm_groups=8, build=Build())
    fill_with_seeded_weights(transformer, "transformer.")
    bank, attn1 = normal(1, 2, TOKENS, WIDTH), transformer.transformer_blocks[0].attn1
    keys = transformer.reference_keys(bank)
    assert torch.equal(keys.k, attn1.to_k(bank)) and torch.equal(keys.v, attn1.to_v(bank))


def test_each_frames_bank_comes_behind_its_own_keys():
    banks, own = (KeyValues(normal(seed, rows, 5, 8), normal(seed + 1, rows, 5, 8)) for seed, rows in ((1, 2), (3, 3)))
    both = ReferenceKeys(banks, [1, 0, 0]).behind(own)
    assert torch.equal(both.k, torch.cat([own.k, banks.k[[1, 0, 0]]], dim=1))
    assert torch.equal(both.v, torch.cat([own.v, banks.v[[1, 0, 0]]], dim=1))


def test_merged_face_tokens_give_what_the_projections_give():
    """In both halves: at this width merging pays."""
    transformer = SpatialTransformer(64, 24, heads=4, norm_groups=8, build=Build())
    fill_with_seeded_weights(transformer, "transformer.")
    tokens, x = normal(7, 2, 4, 24), normal(1, 2 * FRAMES, 64, 4, 4)
    merged = transformer.constant_face_keys(tokens)
    assert isinstance(merged, MergedKeys)
    torch.testing.assert_close(transformer(x, merged), transformer(x, transformer.face_keys(tokens)))
