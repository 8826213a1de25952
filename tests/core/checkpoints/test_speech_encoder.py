import json

import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints.seeded import seeded_state_dict
from hallo2_core.checkpoints.speech_encoder import (
    load_speech_encoder,
    own_name,
    speech_encoder_config,
)
from hallo2_core.config import Wav2VecConfig
from hallo2_core.errors import CheckpointError
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.selftest.audio_case import wav2vec_config
from hallo2_core.selftest.case import GOLDENS

SMALL = Wav2VecConfig(
    width=64, layers=2, heads=1, feed_forward_width=80, conv_widths=(8, 16, 16, 16, 16, 16, 24), position_kernel=32
)


@pytest.fixture(scope="module")
def weights():
    """Under transformers' names, without prefix."""
    shapes = {key: tensor.shape for key, tensor in SpeechEncoder(SMALL, device="meta").wav2vec.state_dict().items()}
    return seeded_state_dict(shapes)


def with_head(weights):
    """As wav2vec2-base-960h is published: a prefix, the old names of weight norm, a head, the mask embedding."""
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    published = {}
    for key, tensor in weights.items():
        for new, name in old.items():
            key = key.replace(new, name)
        published[f"wav2vec2.{key}"] = tensor
    return published | {
        "wav2vec2.masked_spec_embed": torch.ones(64),
        "lm_head.weight": torch.ones(32, 64),
        "lm_head.bias": torch.ones(32),
    }


def with_pretraining_heads(weights):
    return {f"wav2vec2.{key}": tensor for key, tensor in weights.items()} | {
        "quantizer.codevectors": torch.ones(1, 2, 3),
        "quantizer.weight_proj.weight": torch.ones(2, 2),
        "project_q.weight": torch.ones(2, 2),
        "project_hid.bias": torch.ones(2),
    }


CONV = "feature_extractor.conv_layers.0.conv.weight"


def assert_loaded(encoder, weights):
    assert encoder.config == SMALL
    state = encoder.wav2vec.state_dict()
    assert state.keys() == weights.keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in weights.items())


@pytest.mark.parametrize("form", [dict, with_head, with_pretraining_heads])
@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".pt"])
def test_loads_every_published_form(tmp_path, weights, form, suffix):
    path = tmp_path / f"wav2vec2{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(form(weights), path)
    assert_loaded(load_speech_encoder(path), weights)


def test_dtype_is_the_files_or_the_one_asked_for(tmp_path, weights):
    half = {key: tensor.half() for key, tensor in weights.items()}
    save_file(half, tmp_path / "half.safetensors")
    assert load_speech_encoder(tmp_path / "half.safetensors").first_weight.dtype == torch.float16
    full = load_speech_encoder(tmp_path / "half.safetensors", torch.float32)
    assert {weight.dtype for weight in full.parameters()} == {torch.float32}
    assert_loaded(full, {key: tensor.float() for key, tensor in half.items()})


def test_eight_bits_become_float32(tmp_path, weights):
    save_file({key: x.to(torch.float8_e4m3fn) for key, x in weights.items()}, tmp_path / "eight.safetensors")
    assert next(load_speech_encoder(tmp_path / "eight.safetensors").parameters()).dtype == torch.float32


def test_the_released_file_is_recognised():
    shapes = {key: tuple(x.shape) for key, x in SpeechEncoder(device="meta").wav2vec.state_dict().items()}
    assert speech_encoder_config(shapes, "model.safetensors") == Wav2VecConfig()


def test_the_golden_encoder_is_read_off_its_manifest():
    manifest = json.loads((GOLDENS / "manifest_wav2vec.json").read_text())
    shapes = {own_name(key): tuple(shape) for key, shape in manifest.items() if own_name(key)}
    expected = wav2vec_config(json.loads((GOLDENS / "config.json").read_text())["wav2vec"])
    assert speech_encoder_config(shapes, "manifest", heads=4) == expected


@pytest.mark.parametrize(
    "extra, message",
    [
        ("model.encoder.embed_positions.weight", "is a Whisper model"),
        ("feature_extractor.conv_layers.1.layer_norm.weight", "is a wav2vec2 of the large family"),
        ("encoder.layers.0.attention.gru_rel_pos_const", "is a WavLM model"),
        ("denoising_unet.conv_in.weight", "is Hallo2's net.pth, for 'Load Model"),
        ("decoder.conv_in.weight", "is an image VAE"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, weights, extra, message):
    path = tmp_path / "other.safetensors"
    save_file({**weights, extra: torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=f"other.safetensors {message}.*Choose wav2vec2-base-960h"):
        load_speech_encoder(path)


def test_anything_else_is_named_by_a_key(tmp_path):
    save_file({"blocks.0.weight": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="x.safetensors is not wav2vec2: .*blocks.0.weight"):
        load_speech_encoder(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda w: w.pop("encoder.layer_norm.bias"), "do not fit together .*encoder.layer_norm.bias"),
        (lambda w: w.update({"encoder.layers.9.x": torch.zeros(1)}), "do not fit together"),
        (lambda w: w.update({"adapter.layers.0.weight": torch.zeros(1)}), "do not fit together .*adapter"),
        (lambda w: w.update({"encoder.layers.1.final_layer_norm.bias": torch.zeros(9)}), "do not fit together"),
        (lambda w: w.update({CONV: torch.zeros(8, 1, 11)}), "unlike any wav2vec2"),
        (lambda w: w.update({"feature_projection.projection.weight": torch.zeros(60, 24)}), "60 wide, unlike any"),
        (lambda w: w.pop("encoder.layers.0.feed_forward.intermediate_dense.weight"), "is not wav2vec2"),
    ],
)
def test_damaged_sets_of_weights_are_refused(tmp_path, weights, change, message):
    changed = dict(weights)
    change(changed)
    save_file(changed, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=f"w.safetensors .*{message}"):
        load_speech_encoder(tmp_path / "w.safetensors")


def test_cut_off_and_missing_files_are_named(tmp_path, weights):
    path = tmp_path / "cut.safetensors"
    save_file(weights, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="cut.safetensors is cut off"):
        load_speech_encoder(path)
    with pytest.raises(CheckpointError, match="no file gone.safetensors"):
        load_speech_encoder(tmp_path / "gone.safetensors")
