import json

import pytest
import torch
from safetensors.torch import save_file
from seeded_models import SEEDED_UPSCALER, seeded_upscaler

from hallo2_core.checkpoints.seeded import seeded_state_dict
from hallo2_core.checkpoints.upscaler import assemble_upscaler, load_upscaler, upscaler_config
from hallo2_core.checkpoints.upscaler_keys import released_names
from hallo2_core.config import UpscalerConfig
from hallo2_core.errors import CheckpointError
from hallo2_core.models.layers import Build
from hallo2_core.selftest.case import GOLDENS


@pytest.fixture(scope="module")
def small():
    """A small network's weights in the release's layout, without the part the release lacks."""
    state = seeded_upscaler().restorer.state_dict()
    return {key: x for key, x in released_names(state).items() if not key.startswith("latent_encoder.")}


def test_the_released_dimensions_are_read_off_the_shapes():
    shapes = {key: tuple(shape) for key, shape in json.loads((GOLDENS / "manifest_net_g.json").read_text()).items()}
    assert upscaler_config(shapes) == UpscalerConfig()


def test_other_dimensions_too_with_an_encoder_of_latents(small):
    shapes = {key: tuple(x.shape) for key, x in released_names(seeded_upscaler().restorer.state_dict()).items()}
    assert upscaler_config(shapes) == SEEDED_UPSCALER


@pytest.mark.parametrize("kind", ["net_g.pth", "net_g.safetensors", "only params_ema"])
def test_a_file_loads_with_its_own_weights_in_its_own_dtype(small, tmp_path, kind):
    path = tmp_path / "net_g.pth"
    if kind == "net_g.pth":
        torch.save({"params": {key: torch.ones_like(x) for key, x in small.items()}, "params_ema": small}, path)
    elif kind == "only params_ema":
        torch.save({"params_ema": small}, path)
    else:
        path = path.with_suffix(".safetensors")
        save_file({key: x.contiguous() for key, x in small.items()}, path)
    upscaler = load_upscaler(path)
    reference = seeded_upscaler().restorer.state_dict()
    for key, tensor in upscaler.restorer.state_dict().items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, reference[key]), key
    assert upscaler.config.latent_widths is None


def test_the_dtype_is_the_builds(small, tmp_path):
    torch.save({"params_ema": small}, tmp_path / "net_g.pth")
    upscaler = load_upscaler(tmp_path / "net_g.pth", Build(dtype=torch.bfloat16))
    assert {x.dtype for x in upscaler.restorer.state_dict().values()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("kept", "seems"),
    [
        (lambda key: ".temp_" not in key, "other.pth predicts codes but has no temporal.*single pictures.*net_g.pth"),
        (lambda key: "quantize" not in key, "other.pth seems to be none of the files.*Choose net_g.pth"),
    ],
)
def test_another_file_is_refused_with_what_it_seems_to_be(small, tmp_path, kept, seems):
    torch.save({key: x for key, x in small.items() if kept(key)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=seems):
        load_upscaler(tmp_path / "other.pth")


@pytest.mark.parametrize(
    ("key", "message"),
    [("feat_emb.bias", "do not fit.*feature_embedding.bias"), ("position_emb", "no 'position_emb'")],
)
def test_a_file_with_a_key_missing_is_refused_by_name(small, tmp_path, key, message):
    torch.save({k: x for k, x in small.items() if k != key}, tmp_path / "net_g.pth")
    with pytest.raises(CheckpointError, match=message):
        load_upscaler(tmp_path / "net_g.pth")


def test_a_tensor_of_another_shape_is_refused(small, tmp_path):
    torch.save({**small, "feat_emb.bias": torch.zeros(3)}, tmp_path / "net_g.pth")
    with pytest.raises(CheckpointError, match="feature_embedding.bias"):
        load_upscaler(tmp_path / "net_g.pth")


def test_fingerprints_tell_weights_apart(small, tmp_path):
    other = {**small, "position_emb": small["position_emb"] + 1}
    torch.save(small, tmp_path / "a.pth")
    torch.save(other, tmp_path / "b.pth")
    first, again, second = (load_upscaler(tmp_path / name).fingerprint for name in ("a.pth", "a.pth", "b.pth"))
    assert first == again != second


def test_both_designs_run():
    restorer, side = seeded_upscaler().restorer, SEEDED_UPSCALER.side_px
    with torch.inference_mode():
        restored = restorer(torch.zeros(1, 2, 3, side, side), fidelity=0.5)
        from_latents = restorer(latents=torch.zeros(1, 1, 4, side // 8, side // 8), fidelity=0.0)
    assert restored.frames.shape == (1, 2, 3, side, side)
    assert from_latents.frames.shape == (1, 1, 3, side, side)


def test_tensors_are_taken_one_by_one_and_shared_not_copied():
    shapes = {key: tuple(x.shape) for key, x in released_names(seeded_upscaler().restorer.state_dict()).items()}
    state = seeded_state_dict(shapes)
    net = assemble_upscaler(SEEDED_UPSCALER, state, lambda key, dtype: state[key].to(dtype), Build(dtype=torch.float32))
    assert net.codebook.embedding.weight.data_ptr() == state["quantize.embedding.weight"].data_ptr()
