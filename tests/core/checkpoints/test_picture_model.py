"""Stable Diffusion 1.5's UNet as the beginning of training, from files of both kinds of names."""

import pytest
import torch
from safetensors.torch import save_file
from tiny import normal
from tiny_training import CONFIG, ON_META

from hallo2_core.checkpoints.networks import hallo2_networks
from hallo2_core.checkpoints.picture_model import (
    ADDED_MODULES,
    CHECKPOINT_PREFIX,
    diffusers_name,
    fill_with_picture_model,
)
from hallo2_core.config import Hallo2Config
from hallo2_core.errors import CheckpointError
from hallo2_core.training.fresh_weights import fill_added_parts

RESNET = ("in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3")
BLOCK = "transformer_blocks.0."
ATTENTION = (
    ("norm", "proj_in", "proj_out")
    + tuple(f"{BLOCK}{attn}.{layer}" for attn in ("attn1", "attn2") for layer in ("to_q", "to_k", "to_v", "to_out.0"))
    + tuple(f"{BLOCK}{layer}" for layer in ("norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2"))
)
WITHOUT_BIAS = ("to_q", "to_k", "to_v")


def original_names():
    """The UNet of a Stable Diffusion 1.x checkpoint, written out: three input and output blocks per level."""
    layers = ["time_embed.0", "time_embed.2", "input_blocks.0.0", "out.0", "out.2"]
    layers += [f"input_blocks.{n}.0.op" for n in (3, 6, 9)]
    layers += [f"output_blocks.{n}.{part}.conv" for n, part in ((2, 1), (5, 2), (8, 2))]
    with_attention = {"input": (1, 2, 4, 5, 7, 8), "output": range(3, 12)}
    with_shortcut = {"input": (4, 7), "output": range(12)}
    for way, numbers in (("input", (1, 2, 4, 5, 7, 8, 10, 11)), ("output", range(12))):
        for n in numbers:
            layers += [f"{way}_blocks.{n}.0.{layer}" for layer in RESNET]
            layers += [f"{way}_blocks.{n}.0.skip_connection"] * (n in with_shortcut[way])
            layers += [f"{way}_blocks.{n}.1.{layer}" for layer in ATTENTION] * (n in with_attention[way])
    layers += [f"middle_block.{n}.{layer}" for n in (0, 2) for layer in RESNET]
    layers += [f"middle_block.1.{layer}" for layer in ATTENTION]
    return [
        f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")
        if kind == "weight" or not layer.endswith(WITHOUT_BIAS)
    ]  # fmt: skip


def spatial_keys(unet):
    return {key for key in unet.state_dict() if not any(module in key for module in ADDED_MODULES)}


def test_names_of_both_kinds_are_the_released_models():
    """At full size, without any memory."""
    ours = spatial_keys(hallo2_networks(Hallo2Config(), ON_META).denoising_unet)
    assert len(ours) == 686
    assert {diffusers_name(key) for key in original_names()} == ours
    assert len(original_names()) == len(ours)


def test_shapes_are_those_of_diffusers_unet():
    diffusers = pytest.importorskip("diffusers")
    with torch.device("meta"):
        theirs = diffusers.UNet2DConditionModel(
            cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280)
        ).state_dict()
    ours = hallo2_networks(Hallo2Config(), ON_META).denoising_unet.state_dict()
    assert {key: x.shape for key, x in theirs.items()} == {
        key: x.shape for key, x in ours.items() if not any(module in key for module in ADDED_MODULES)
    }


@pytest.fixture
def values():
    unet = hallo2_networks(CONFIG, ON_META).denoising_unet.state_dict()
    keys = sorted(key for key in unet if not any(module in key for module in ADDED_MODULES))
    return {key: normal(number, *unet[key].shape) for number, key in enumerate(keys)}


def test_both_unets_get_a_copy_of_their_own(values, tmp_path):
    save_file(values, tmp_path / "unet.safetensors")
    models = hallo2_networks(CONFIG, ON_META)
    fill_with_picture_model(models, tmp_path / "unet.safetensors")
    fill_added_parts(models, seed=0)
    for network in (models.denoising_unet, models.reference_net):
        own = network.state_dict()
        assert all(torch.equal(own[key], values[key]) for key in own if key in values)
        assert not any(x.is_meta for x in own.values())
    first, second = models.denoising_unet.conv_in.weight, models.reference_net.conv_in.weight
    assert first.data_ptr() != second.data_ptr()


def test_a_whole_checkpoint_gives_the_same(values, tmp_path):
    original = {diffusers_name(name): name for name in original_names()}  # of more layers; the first are the same
    renamed = {CHECKPOINT_PREFIX + original[key]: x for key, x in values.items()}
    save_file(renamed | {"first_stage_model.encoder.conv_in.weight": torch.zeros(1)}, tmp_path / "v1.safetensors")
    models = hallo2_networks(CONFIG, ON_META)
    fill_with_picture_model(models, tmp_path / "v1.safetensors")
    own = models.denoising_unet.state_dict()
    assert all(torch.equal(own[key], x) for key, x in values.items())


def test_what_has_no_weights_begins_as_an_addition_of_nothing(values, tmp_path):
    save_file(values, tmp_path / "unet.safetensors")
    models = hallo2_networks(CONFIG, ON_META)
    fill_with_picture_model(models, tmp_path / "unet.safetensors")
    fill_added_parts(models, seed=0)
    outputs = [
        layer
        for path, layer in models.denoising_unet.named_modules()
        if path.endswith("proj_out") and any(module in f".{path}" for module in ADDED_MODULES)
    ]
    assert len(outputs) == 2 * 10 + 3
    assert not any(p.any() for layer in [*outputs, models.face_locator.conv_out] for p in layer.parameters())
    assert models.audio_projection.proj1.weight.any() and models.image_projection.proj.weight.any()


def test_a_unet_of_another_model_is_refused(values, tmp_path, spoil):
    spoil(values, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight")
    save_file(values, tmp_path / "unet.safetensors")
    with pytest.raises(CheckpointError, match="not a UNet of Stable Diffusion 1"):
        fill_with_picture_model(hallo2_networks(CONFIG, ON_META), tmp_path / "unet.safetensors")


def test_a_file_of_another_kind_is_named(tmp_path):
    save_file({"text_model.embeddings.weight": torch.zeros(1)}, tmp_path / "clip.safetensors")
    with pytest.raises(CheckpointError, match="CLIP text encoder"):
        fill_with_picture_model(hallo2_networks(CONFIG, ON_META), tmp_path / "clip.safetensors")
