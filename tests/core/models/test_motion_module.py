import pytest
import torch
from einops import rearrange
from tiny import normal

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights, sinusoidal_positions
from hallo2_core.models.layers import Build
from hallo2_core.models.motion_module import MotionModule

WIDTH, HEIGHT, SIDE, FRAMES, BEFORE = 64, 2, 3, 5, 2


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def module():
    module = MotionModule(WIDTH, heads=8, positions=12, build=Build())
    fill_with_seeded_weights(module, "motion.")
    return module


X = normal(1, 2 * FRAMES, WIDTH, HEIGHT, SIDE)
BANK = normal(2, 2 * BEFORE, HEIGHT * SIDE, WIDTH)


def run(module, x=X, bank=BANK):
    return module(x, module.motion_conditions(bank, cond_batch=2, height=HEIGHT))


def as_in_the_original(module, x, bank):
    """One pixel at a time (quirk 6): norm and project all frames, two attentions with positions on q, k and v."""
    inner = module.temporal_transformer
    motion = rearrange(bank, "(b m) (h w) c -> b m c h w", b=2, h=HEIGHT)
    new = rearrange(x, "(b f) c h w -> b f c h w", b=2)
    sequence = torch.cat([motion, new], dim=1)
    normed = torch.nn.functional.group_norm(sequence.flatten(0, 1), 32, inner.norm.weight, inner.norm.bias, eps=1e-6)
    normed = normed.unflatten(0, sequence.shape[:2])
    out, block = new.clone(), inner.transformer_blocks[0]
    for half in range(2):
        for row in range(HEIGHT):
            for column in range(SIDE):
                hidden = inner.proj_in(normed[half, :, :, row, column].unsqueeze(0))
                for attention, norm in zip(block.attention_blocks, block.norms, strict=True):
                    placed = norm(hidden) + sinusoidal_positions(12, WIDTH)[: hidden.shape[1]]
                    hidden = hidden + attention(placed, attention.keys_values(placed))
                hidden = inner.proj_out(hidden + block.ff(block.ff_norm(hidden)))
                out[half, :, :, row, column] += hidden[0, BEFORE:]
    return rearrange(out, "b f c h w -> (b f) c h w")


def test_it_attends_along_time_with_the_motion_frames_in_front(module):
    torch.testing.assert_close(run(module), as_in_the_original(module, X, BANK))


def test_halves_have_motion_frames_of_their_own(module):
    bank = BANK.clone()
    bank[:BEFORE] = normal(3, BEFORE, HEIGHT * SIDE, WIDTH)
    one, other = run(module), run(module, bank=bank)
    assert not torch.equal(one[:FRAMES], other[:FRAMES])
    assert torch.equal(one[FRAMES:], other[FRAMES:])


def test_the_order_of_motion_frames_matters(module):
    assert (run(module) - run(module, bank=BANK[[1, 0, 3, 2]])).abs().max() > 0.01


def test_the_norm_has_32_groups_whatever_the_unets_have(module):
    assert module.temporal_transformer.norm.num_groups == 32


def test_more_frames_than_positions_are_refused(module):
    with pytest.raises(ValueError, match="4 motion frames and 9 new ones exceed 12 positions"):
        motion = module.motion_conditions(normal(2, 4, HEIGHT * SIDE, WIDTH), cond_batch=1, height=HEIGHT)
        module(normal(1, 9, WIDTH, HEIGHT, SIDE), motion)


def test_positions_follow_the_dtype_of_what_they_are_added_to(module):
    motion = module.motion_conditions(BANK, cond_batch=2, height=HEIGHT)
    assert {table.dtype for table in motion.positions} == {torch.float32}
    table = module.temporal_transformer.transformer_blocks[0].attention_blocks[0].pos_encoder
    assert table(normal(1, 1, 4, WIDTH).bfloat16()).dtype == torch.bfloat16


def test_positions_are_on_the_device_from_the_start_of_a_clip(module):
    """A host that loads partially leaves the buffers elsewhere: no step reads them."""
    motion = module.motion_conditions(BANK, cond_batch=2, height=HEIGHT)
    expected = module(X, motion)
    tables = [attention.pos_encoder for attention in module.temporal_transformer.transformer_blocks[0].attention_blocks]
    kept = [table.pe.clone() for table in tables]
    for table in tables:
        table.pe.fill_(float("nan"))
    try:
        assert torch.equal(module(X, motion), expected)
    finally:
        for table, values in zip(tables, kept, strict=True):
            table.pe.copy_(values)


def test_the_motion_frames_rows_end_with_the_last_keys_and_values(module):
    """Their queries in the last attention, and all behind it, would be cut off."""
    block, rows = module.temporal_transformer.transformer_blocks[0], {}

    def recording(name):
        return lambda _, given, __: rows.__setitem__(name, given[0].shape[1])

    layers = {"ff": block.ff}
    for number, attention in enumerate(block.attention_blocks):
        layers |= {f"q{number}": attention.to_q, f"k{number}": attention.to_k, f"v{number}": attention.to_v}
    hooks = [layer.register_forward_hook(recording(name)) for name, layer in layers.items()]
    run(module)
    for hook in hooks:
        hook.remove()
    everyone = BEFORE + FRAMES
    assert rows == {"q0": everyone, "k0": everyone, "v0": everyone, "q1": FRAMES, "k1": everyone, "v1": everyone,
                    "ff": FRAMES}  # fmt: skip
