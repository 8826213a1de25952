"""AnimateDiff's motion modules, of both kinds of names and all versions."""

import pytest
import torch
from safetensors.torch import save_file
from tiny import normal
from tiny_training import CONFIG, ON_META

from hallo2_core.checkpoints.motion_modules import TRANSFORMER, animatediff_names, fill_with_motion_modules
from hallo2_core.checkpoints.networks import hallo2_networks
from hallo2_core.checkpoints.seeded import sinusoidal_positions
from hallo2_core.config import Hallo2Config
from hallo2_core.errors import CheckpointError


def motion_state(models):
    return {key: x for key, x in models.denoising_unet.state_dict().items() if TRANSFORMER in key}


@pytest.fixture
def values():
    """A file's, with true position tables."""
    own = motion_state(hallo2_networks(CONFIG, ON_META))
    return {
        key: sinusoidal_positions(*x.shape[1:]).unsqueeze(0) if key.endswith(".pe") else normal(n, *x.shape)
        for n, (key, x) in enumerate(own.items())
    }


def loaded(values, tmp_path):
    save_file(values, tmp_path / "mm.safetensors")
    models = hallo2_networks(CONFIG, ON_META)
    fill_with_motion_modules(models, tmp_path / "mm.safetensors")
    return motion_state(models)


def test_the_released_files_have_our_names(values, tmp_path):
    """Below what trainers put around them."""
    torch.save({"epoch": 1, "state_dict": {f"module.{key}": x for key, x in values.items()}}, tmp_path / "mm.ckpt")
    models = hallo2_networks(CONFIG, ON_META)
    fill_with_motion_modules(models, tmp_path / "mm.ckpt")
    own = motion_state(models)
    assert own.keys() == values.keys()
    assert all(torch.equal(own[key], x) for key, x in values.items())


def test_the_first_versions_lack_the_middle_and_eight_positions(values, tmp_path):
    first = {
        key: x[:, :24].contiguous() if key.endswith(".pe") else x
        for key, x in values.items()
        if not key.startswith("mid_block.")
    }
    own = loaded(first, tmp_path)
    for key, x in own.items():
        if key.startswith("mid_block."):
            assert x.is_meta  # as it was
        else:
            torch.testing.assert_close(x, values[key])


def test_diffusers_adapter_has_the_same_shapes_under_its_names():
    """At full size, without any memory."""
    diffusers = pytest.importorskip("diffusers")
    with torch.device("meta"):
        adapter = diffusers.MotionAdapter(motion_max_seq_length=32).state_dict()
    renamed = {name: x.shape for key, x in adapter.items() for name in animatediff_names(key)}
    assert renamed == {key: x.shape for key, x in motion_state(hallo2_networks(Hallo2Config(), ON_META)).items()}


def test_an_adapter_of_diffusers_gives_the_same(values, tmp_path):
    names = {ours: theirs for theirs in adapter_names(values) for ours in animatediff_names(theirs)}
    own = loaded({names[key]: x for key, x in values.items()}, tmp_path)
    assert all(torch.equal(own[key], x) for key, x in values.items())


def adapter_names(values):
    """Written out for one module, and repeated for all."""
    block = "transformer_blocks.0."
    layers = [f"{block}attn{n}.{layer}.weight" for n in (1, 2) for layer in ("to_q", "to_k", "to_v", "to_out.0")]
    layers += [f"{block}attn{n}.to_out.0.bias" for n in (1, 2)] + [f"{block}pos_embed.pe"]
    layers += [
        f"{layer}.{kind}"
        for layer in ("norm", "proj_in", "proj_out", *(block + x for x in ("norm1", "norm2", "norm3")),
                      f"{block}ff.net.0.proj", f"{block}ff.net.2")
        for kind in ("weight", "bias")
    ]  # fmt: skip
    modules = {key.split(TRANSFORMER)[0] for key in values}
    return [f"{module}.{layer}" for module in modules for layer in layers]


def test_a_motion_module_of_another_model_is_refused(values, tmp_path, spoil):
    spoil(values, "down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight")
    with pytest.raises(CheckpointError, match="not a motion module for Stable Diffusion 1"):
        loaded(values, tmp_path)


def test_a_file_of_another_kind_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="CLIP text encoder"):
        loaded({"text_model.embeddings.weight": torch.zeros(1)}, tmp_path)
