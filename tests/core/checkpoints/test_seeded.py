from zlib import crc32

import numpy as np
import pytest
import torch
from torch import nn

from hallo2_core.checkpoints.seeded import (
    fill_with_seeded_weights,
    seeded_state_dict,
    seeded_tensor,
    sinusoidal_positions,
)


@pytest.mark.parametrize(
    ("key", "shape", "salt", "expected"),
    [
        ("reference_unet.conv_in.weight", (320, 4, 3, 3), 0, 0x9E291EA2),
        ("denoising_unet.mid_block.attentions.0.transformer_blocks.0.norm1.weight", (1280,), 0, 0x033E9011),
        ("face_locator.conv_in.bias", (16,), 0, 0x45DA82A3),
        ("reference_unet.conv_in.weight", (320, 4, 3, 3), 7, 0x625CCF68),
    ],
)
def test_the_recipe_gives_the_published_bits(key, shape, salt, expected):
    """CRC-32 of the tensor's bytes: every golden case stands on them."""
    tensor = seeded_tensor(key, shape, salt)
    assert tensor.dtype == torch.float32 and tuple(tensor.shape) == shape
    assert crc32(tensor.numpy().astype("<f4").tobytes()) == expected


@pytest.mark.parametrize(
    ("key", "shape", "mean", "std"),
    [
        ("denoising_unet.conv_in.weight", (64, 16, 3, 3), 0.0, 1 / 12),
        ("denoising_unet.x.zero_conv_lip.weight", (64, 64, 1, 1), 0.0, 0.5 / 8),
        ("face_locator.conv_out.weight", (64, 16, 3, 3), 0.0, 0.5 / 12),
        ("denoising_unet.x.temporal_transformer.proj_out.weight", (64, 64), 0.0, 0.5 / 8),
        ("denoising_unet.x.norm1.weight", (5000,), 1.0, 0.1),
        ("denoising_unet.x.norm1.bias", (5000,), 0.0, 0.05),
        ("quantize.embedding.weight", (1024, 256), 0.0, 1.0),
        ("position_emb", (256, 512), 0.0, 0.5),
        ("wav2vec.encoder.pos_conv_embed.conv.parametrizations.weight.original0", (1, 1, 5000), 1.0, 0.1),
    ],
)
def test_layers_start_as_strong_as_the_recipe_says(key, shape, mean, std):
    tensor = seeded_tensor(key, shape).double()
    assert abs(float(tensor.mean()) - mean) < 0.1 * std
    assert abs(float(tensor.std()) / std - 1) < 0.05


def test_positions_are_the_real_table():
    table = seeded_tensor("denoising_unet.x.pos_encoder.pe", (1, 32, 64))
    position, channel = 5, 10
    assert table.shape == (1, 32, 64) and torch.equal(table[0], sinusoidal_positions(32, 64))
    assert float(table[0, position, channel]) == pytest.approx(np.sin(position / 10000 ** (channel / 64)), abs=1e-5)
    assert float(table[0, position, channel + 1]) == pytest.approx(np.cos(position / 10000 ** (channel / 64)), abs=1e-5)


def test_the_prefix_counts_for_the_draw_only():
    drawn = seeded_state_dict({"conv_in.bias": (16,)}, prefix="face_locator.")
    assert list(drawn) == ["conv_in.bias"]
    assert torch.equal(drawn["conv_in.bias"], seeded_tensor("face_locator.conv_in.bias", (16,)))


def test_a_network_built_on_meta_is_filled_in_its_own_dtype():
    layer = nn.Linear(8, 4, device="meta", dtype=torch.bfloat16)
    fill_with_seeded_weights(layer, "layer.", salt=3)
    assert torch.equal(layer.weight, seeded_tensor("layer.weight", (4, 8), salt=3).bfloat16())
    assert layer.bias.device.type == "cpu" and layer.bias.dtype == torch.bfloat16
