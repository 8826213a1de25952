import json
from dataclasses import replace

import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from seeded_models import seeded_hallo2

from hallo2_core.checkpoints.detect import FileContent, file_content
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.checkpoints.text_control import (
    METADATA_KEY,
    load_text_adapter,
    metadata_of,
    with_text_adapter,
    write_new_adapter,
    zero_text_adapter,
)
from hallo2_core.config import TextControlConfig, UNetConfig
from hallo2_core.errors import CheckpointError
from hallo2_core.models.layers import Build

CONFIG = replace(TextControlConfig.fitting(tiny.UNET), text_width=12, hidden_width=10)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "smile.safetensors"
    write_new_adapter(path, CONFIG)
    return path


def rewritten(path, tensors=None, **facts):
    """The same file with other tensors, or saying something else of itself."""
    own = json.loads(metadata_of(CONFIG)[METADATA_KEY]) | facts
    save_file(tensors or load_file(path), path, {METADATA_KEY: json.dumps(own)})
    return path


def test_a_new_adapter_is_read_back_and_is_zero_where_it_ends(written):
    adapter = load_text_adapter(written)
    assert adapter.config == CONFIG and adapter.is_zero
    state = adapter.control.state_dict()
    assert all(state[key].any() != (".linear_2." in key) for key in state if key.endswith("weight"))


def test_its_metadata_say_what_the_paper_leaves_open(written):
    with safe_open(written, framework="pt") as file:
        facts = json.loads(file.metadata()[METADATA_KEY])
    assert facts["text_width"] == 12 and facts["hidden_width"] == 10 and facts["block_widths"] == [32, 32, 64, 64]
    assert "end-of-text" in facts["embedding"] and "before audio attention" in facts["place"]


def test_a_trained_one_is_not_zero(written):
    untrained, tensors = load_text_adapter(written), load_file(written)
    tensors["mid_block.0.linear_2.bias"][0] = 0.25
    trained = load_text_adapter(rewritten(written, tensors))
    assert untrained.is_zero and not trained.is_zero
    assert trained.fingerprint != untrained.fingerprint


def test_numbers_that_are_none_are_refused_with_the_files_name(written):
    tensors = load_file(written)
    tensors["mid_block.0.linear_2.bias"][0] = float("nan")
    with pytest.raises(CheckpointError, match="smile.safetensors is damaged: mid_block.0.linear_2.bias has infinities"):
        load_text_adapter(rewritten(written, tensors))


def test_the_build_chooses_the_dtype(written):
    assert load_text_adapter(written, Build(dtype=torch.float16)).control.mid_block[0].linear_1.weight.dtype == (
        torch.float16
    )


def test_the_file_is_recognised(written):
    assert file_content(read_tensors(written).shapes) is FileContent.TEXT_CONTROL


def test_another_file_is_refused_by_name(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"text_model.embeddings": torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match="seems to be a CLIP text encoder, not a text-control adapter"):
        load_text_adapter(path)


@pytest.mark.parametrize(("facts", "said"), [
    ({"format": 2}, "of format 2; this version reads format 1"),
    ({"block_widths": None}, "metadata of .* is damaged"),
    ({"hidden_width": 11}, "does not match its metadata: .*such as down_blocks"),
])  # fmt: skip
def test_metadata_that_do_not_fit_are_refused(written, facts, said):
    with pytest.raises(CheckpointError, match=said):
        load_text_adapter(rewritten(written, **facts))


def test_a_missing_tensor_is_named(written):
    tensors = load_file(written)
    del tensors["mid_block.0.linear_1.bias"]
    with pytest.raises(CheckpointError, match="1 tensors are missing, .*mid_block.0.linear_1.bias"):
        load_text_adapter(rewritten(written, tensors))


def test_nothing_is_overwritten_and_the_name_must_tell(written):
    with pytest.raises(CheckpointError, match="already exists and is not overwritten"):
        write_new_adapter(written, CONFIG)
    with pytest.raises(CheckpointError, match="must end in .safetensors"):
        write_new_adapter(written.with_suffix(".pth"), CONFIG)
    assert [path.name for path in written.parent.iterdir()] == ["smile.safetensors"]


def test_attached_it_stands_beside_networks_that_stay_as_they_are():
    models = seeded_hallo2()
    adapter = zero_text_adapter(models.config.unet)
    attached = with_text_adapter(models, adapter)
    assert attached.text_adapter is adapter and attached.networks == (*models.networks, adapter.control)
    assert models.text_adapter is None


def test_one_for_another_model_is_refused():
    with pytest.raises(CheckpointError, match="made for a UNet of widths .*320.* but this model's are .*32"):
        with_text_adapter(seeded_hallo2(), zero_text_adapter(UNetConfig(), Build(dtype=torch.float16)))
