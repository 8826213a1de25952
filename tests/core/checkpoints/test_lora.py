"""LoRA files: what is added to which weights, and what is refused."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import normal
from tiny_training import write_model

from hallo2_core.checkpoints.build import load_hallo2
from hallo2_core.checkpoints.convert import convert_to_safetensors
from hallo2_core.checkpoints.lora import METADATA_KEY, few_steps_of, with_lora, write_lora
from hallo2_core.errors import CheckpointError
from hallo2_core.models.hallo2_models import FewSteps
from hallo2_core.models.layers import Build

LAYER = "denoising_unet.mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q"
PATH = LAYER.removeprefix("denoising_unet.")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "net.safetensors")


def update(width=64, rank=3):
    return {f"{LAYER}.lora_A.weight": normal(1, rank, width), f"{LAYER}.lora_B.weight": normal(2, width, rank)}


def test_the_update_is_added_to_its_layer_alone(model, tmp_path):
    tensors = update()
    write_lora(tensors, 6.0, tmp_path / "lora.safetensors", torch.float32)
    plain = load_hallo2(model, Build(dtype=torch.float32))
    adapted = load_hallo2(model, Build(dtype=torch.float32), lora=tmp_path / "lora.safetensors", lora_strength=0.5)
    down, up = tensors.values()
    before, after = plain.denoising_unet.state_dict(), adapted.denoising_unet.state_dict()
    torch.testing.assert_close(after[f"{PATH}.weight"], before[f"{PATH}.weight"] + 0.5 * (6.0 / 3) * up @ down)
    assert {key for key in before if not torch.equal(before[key], after[key])} == {f"{PATH}.weight"}
    assert plain.fingerprint != adapted.fingerprint


def test_half_precision_is_added_in_full_and_rounded_once(model, tmp_path):
    write_lora(update(), 3.0, tmp_path / "lora.safetensors", torch.float32)
    exact = load_hallo2(model, Build(dtype=torch.float32), lora=tmp_path / "lora.safetensors")
    half = load_hallo2(model, lora=tmp_path / "lora.safetensors")
    own = half.denoising_unet.get_parameter(f"{PATH}.weight")
    assert torch.equal(own, exact.denoising_unet.get_parameter(f"{PATH}.weight").half())


def test_a_loaded_model_gets_it_and_stays_as_it_is(model, tmp_path):
    """In fp16, as on a card: the same as loading with it. Weights without an update are in memory once."""
    path, build = tmp_path / "lora.safetensors", Build(dtype=torch.float16, device="cpu")
    write_lora(update(), 3.0, path)
    plain = load_hallo2(model, build)
    adapted, loaded = with_lora(plain, path, 0.5, build), load_hallo2(model, build, lora=path, lora_strength=0.5)
    assert adapted.fingerprint == loaded.fingerprint != load_hallo2(model, build).fingerprint == plain.fingerprint
    before, after, expected = (each.denoising_unet.state_dict() for each in (plain, adapted, loaded))
    assert all(torch.equal(after[key], expected[key]) for key in before)
    assert {key for key in before if before[key].data_ptr() != after[key].data_ptr()} == {f"{PATH}.weight"}
    assert adapted.denoising_unet is not plain.denoising_unet and adapted.reference_net is plain.reference_net


def test_one_after_another_they_add_up(model, tmp_path):
    path, build = tmp_path / "lora.safetensors", Build(dtype=torch.float32)
    write_lora(update(), 3.0, path, torch.float32)
    plain = load_hallo2(model, build)
    twice = with_lora(with_lora(plain, path, 0.25, build), path, 0.5, build)
    once = with_lora(plain, path, 0.75, build)
    weights = (each.denoising_unet.get_parameter(f"{PATH}.weight") for each in (twice, once))
    torch.testing.assert_close(*weights)


def test_a_converted_file_has_what_loading_adds(model, tmp_path):
    write_lora(update(), 3.0, tmp_path / "lora.safetensors")
    convert_to_safetensors(model, tmp_path / "adapted.safetensors", tmp_path / "lora.safetensors", 0.5)
    adapted = load_hallo2(model, lora=tmp_path / "lora.safetensors", lora_strength=0.5)
    assert load_hallo2(tmp_path / "adapted.safetensors").fingerprint == adapted.fingerprint
    before, after = load_file(model), load_file(tmp_path / "adapted.safetensors")
    assert {key for key in before if not torch.equal(before[key], after[key])} == {f"{LAYER}.weight"}
    assert torch.equal(after[f"{LAYER}.weight"], adapted.denoising_unet.get_parameter(f"{PATH}.weight"))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (update(width=32), "has the shape"),
        ({key.replace("mid_block", "left_block"): x for key, x in update().items()}, "not part of this one"),
        ({key: x for key, x in update().items() if "lora_A" in key}, "not a whole LoRA"),
        ({key: x for key, x in update().items() if "lora_B" in key}, "not a whole LoRA"),
    ],
    ids=["another width", "another layer", "no second factor", "no first factor"],
)
def test_what_does_not_fit_is_refused(model, tmp_path, tensors, message):
    write_lora(tensors, 1.0, tmp_path / "lora.safetensors")
    with pytest.raises(CheckpointError, match=message):
        load_hallo2(model, lora=tmp_path / "lora.safetensors")


def test_files_that_are_no_lora_are_named(model, tmp_path):
    with pytest.raises(CheckpointError, match=r"net\.pth, not a LoRA"):
        load_hallo2(model, lora=model)
    save_file(update(), tmp_path / "newer.safetensors", {METADATA_KEY: json.dumps({"format": 9, "alpha": 1})})
    with pytest.raises(CheckpointError, match="format 9"):
        load_hallo2(model, lora=tmp_path / "newer.safetensors")
    save_file(update(), tmp_path / "odd.safetensors", {METADATA_KEY: "{"})
    with pytest.raises(CheckpointError, match="damaged"):
        load_hallo2(model, lora=tmp_path / "odd.safetensors")


def test_a_model_knows_the_few_steps_that_it_was_distilled_to(model, tmp_path):
    plain, few = tmp_path / "face.safetensors", tmp_path / "few_step.safetensors"
    write_lora(update(), 3.0, plain)
    write_lora(update(), 3.0, few, few_steps=FewSteps(4))
    assert (few_steps_of(plain), few_steps_of(few)) == (None, FewSteps(4, 1.0))
    build = Build(dtype=torch.float32)
    loaded = load_hallo2(model, build, lora=plain, few_step=few)
    assert loaded.few_steps == FewSteps(4)
    attached = with_lora(with_lora(load_hallo2(model, build), few, 1.0, build), plain, 1.0, build)
    assert attached.few_steps == FewSteps(4)
    assert load_hallo2(model, build, lora=plain).few_steps is None
    weights = (each.denoising_unet.get_parameter(f"{PATH}.weight") for each in (loaded, attached))
    torch.testing.assert_close(*weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused_with_the_files_name(model, tmp_path, value):
    tensors = update()
    tensors[f"{LAYER}.lora_B.weight"][0, 0] = value
    write_lora(tensors, 3.0, tmp_path / "lora.safetensors")
    with pytest.raises(CheckpointError, match="lora.safetensors is damaged: .*lora_B.weight has infinities or NaNs"):
        load_hallo2(model, lora=tmp_path / "lora.safetensors")
