import copy

import pytest
import torch
from diffusers import UNet2DConditionModel
from tiny import UNET, normal, shared_models

from hallo2_core.config import UNetConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.reference_net import ReferenceNet

LATENTS, TOKENS = normal(1, 3, 4, 8, 8), normal(2, 3, 4, UNET.face_token_width)
PATHS = ["down_blocks.0", "down_blocks.1", "down_blocks.2", "mid_block", "up_blocks.1", "up_blocks.2", "up_blocks.3"]


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_banks_equal_what_enters_self_attention_in_diffusers_unet():
    oracle = UNet2DConditionModel(
        block_out_channels=UNET.block_widths,
        layers_per_block=UNET.layers_per_block,
        attention_head_dim=UNET.heads,  # diffusers' own misnomer (quirk 9)
        cross_attention_dim=UNET.face_token_width,
        norm_num_groups=UNET.norm_groups,
    ).eval()
    ours = shared_models().reference_net
    missing, unexpected = oracle.load_state_dict(ours.state_dict(), strict=False)
    assert not unexpected
    assert {key.split(".")[0] for key in missing} == {"conv_norm_out", "conv_out"}  # nobody reads them (quirk 15)
    seen = {}
    for path, module in oracle.named_modules():
        if path.endswith("transformer_blocks.0.norm1"):
            block, layer = path.removesuffix(".transformer_blocks.0.norm1").split(".attentions.")
            module.register_forward_hook(lambda _m, _i, out, key=(block, int(layer)): seen.update({key: out}))
    oracle(LATENTS, 0, TOKENS)
    banks = ours(LATENTS, TOKENS).layers
    assert list(banks) == PATHS
    assert {(path, layer) for path in banks for layer in range(len(banks[path]))} == set(seen)
    for (path, layer), expected in seen.items():
        torch.testing.assert_close(banks[path][layer], expected, atol=1e-5, rtol=1e-5)


def test_what_only_the_dead_output_needs_is_never_computed():
    """Quirk 15: everything behind the norm1 of the last attention may hold anything."""
    net = copy.deepcopy(shared_models().reference_net)
    last = net.up_blocks[-1].attentions[-1]
    dead = [last.proj_out, *(part for name, part in last.transformer_blocks[0].named_children() if name != "norm1")]
    for parameter in (parameter for part in dead for parameter in part.parameters()):
        parameter.fill_(float("nan"))
    banks, expected = net(LATENTS, TOKENS).layers, shared_models().reference_net(LATENTS, TOKENS).layers
    assert all(torch.equal(a, b) for path in PATHS for a, b in zip(banks[path], expected[path], strict=True))


def test_pictures_do_not_see_each_other():
    together = shared_models().reference_net(LATENTS, TOKENS)
    alone = shared_models().reference_net(LATENTS[1:2], TOKENS[1:2])
    for path in PATHS:
        for one, row in zip(together.rows([1]).layers[path], alone.layers[path], strict=True):
            torch.testing.assert_close(one, row, atol=1e-5, rtol=1e-5)


def test_there_are_sixteen_banks_at_the_released_size():
    net = ReferenceNet(UNetConfig(), Build(device="meta"))
    banks = net(torch.zeros(2, 4, 64, 48, device="meta"), torch.zeros(2, 4, 768, device="meta")).layers
    assert sum(map(len, banks.values())) == 16
    assert {path: tuple(bank[0].shape) for path, bank in banks.items()} == {
        "down_blocks.0": (2, 3072, 320),
        "down_blocks.1": (2, 768, 640),
        "down_blocks.2": (2, 192, 1280),
        "mid_block": (2, 48, 1280),
        "up_blocks.1": (2, 192, 1280),
        "up_blocks.2": (2, 768, 640),
        "up_blocks.3": (2, 3072, 320),
    }
