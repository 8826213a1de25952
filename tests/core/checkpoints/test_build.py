import json
import subprocess
import sys

import pytest
import tiny
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints.build import load_hallo2, load_vae
from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import UNetConfig, VAEConfig
from hallo2_core.errors import CheckpointError
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.selftest.case import GOLDENS

VAE = VAEConfig((32, 32, 64, 64), layers_per_block=1)  # norm groups as in every file


def whole_state(models):
    return {
        prefix + key: tensor
        for name, prefix in PREFIXES.items()
        for key, tensor in getattr(models, name).state_dict().items()
    }


@pytest.fixture(scope="module")
def state():
    """What a tiny net.pth holds: half precision, like the release's."""
    return {key: tensor.half() for key, tensor in whole_state(tiny.models()).items()}


def saved(state, path):
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def assert_holds(models, state, dtype):
    loaded = whole_state(models)
    assert loaded.keys() == state.keys()
    for key, tensor in loaded.items():
        assert tensor.dtype == dtype and tensor.device.type == "cpu" and not tensor.requires_grad
        assert torch.equal(tensor, state[key].to(dtype)), key


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16], ids=str)
def test_every_tensor_arrives_in_the_chosen_dtype(tmp_path, state, name, dtype):
    models = load_hallo2(saved(state, tmp_path / name), Build(dtype=dtype))
    assert_holds(models, state, dtype or torch.float16)
    assert models.vae is None


def test_the_files_own_dtype_is_one_for_all(tmp_path, state):
    mixed = {key: tensor.float() if key.endswith("pos_encoder.pe") else tensor for key, tensor in state.items()}
    assert_holds(load_hallo2(saved(mixed, tmp_path / "net.pth")), mixed, torch.float16)


def test_wrappers_do_not_matter(tmp_path, state):
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": tensor for key, tensor in state.items()}}
    assert_holds(load_hallo2(saved(wrapped, tmp_path / "net.pth")), state, torch.float16)


def test_loaded_networks_compute_what_the_saved_ones_do(tmp_path):
    """In float32, where nothing is rounded. Norm groups are the one thing that the file cannot say."""
    config = tiny.replace(tiny.CONFIG, unet=tiny.replace(tiny.UNET, norm_groups=32))
    models = hallo2_networks(config, Build(device="meta"))
    for name, prefix in PREFIXES.items():
        fill_with_seeded_weights(getattr(models, name), prefix)
    loaded = load_hallo2(saved(whole_state(models), tmp_path / "net.safetensors"))
    inputs = tiny.denoising_inputs()
    assert torch.equal(inputs.run(loaded.denoising_unet), inputs.run(models.denoising_unet))


def test_the_fingerprint_is_the_weights_not_the_files(tmp_path, state):
    first = load_hallo2(saved(state, tmp_path / "net.pth")).fingerprint
    assert first == load_hallo2(saved(state, tmp_path / "b.safetensors")).fingerprint
    assert first != load_hallo2(tmp_path / "net.pth", Build(dtype=torch.float32)).fingerprint
    for key in ("denoising_unet.conv_in.weight", "audioproj.norm.bias"):
        changed = {**state, key: state[key] + 1}
        assert load_hallo2(saved(changed, tmp_path / "changed.pth")).fingerprint != first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("face_locator.conv_in.bias"), r"1 missing \(such as face_locator.conv_in.bias\).*Download"),
        (lambda s: s.pop("denoising_unet.down_blocks.0.resnets.0.conv1.weight"), "lacks the tensor 'denoising_unet"),
        (lambda s: s.pop("denoising_unet.down_blocks.2.resnets.0.conv1.weight"), "lacks the tensor 'denoising_unet"),
        (lambda s: s.pop("imageproj.norm.weight"), "lacks the tensor 'imageproj.norm.weight': it is incomplete"),
        (lambda s: s.update({"imageproj.more": torch.zeros(2).half()}), r"1 unknown \(such as imageproj.more\)"),
        (lambda s: s.update({"imageproj.norm.bias": torch.zeros(3).half()}), r"1 of another shape \(such as imageproj"),
        (lambda s: [s.pop(key) for key in list(s) if key.startswith("imageproj.")], "not Hallo2's net.pth"),
    ],
    ids=["missing", "first level", "third level", "dimension", "unknown", "other shape", "missing network"],
)
def test_what_does_not_fit_is_named(tmp_path, state, change, message):
    changed = dict(state)
    change(changed)
    with pytest.raises(CheckpointError, match=message):
        load_hallo2(saved(changed, tmp_path / "net.pth"))


@pytest.mark.parametrize(
    ("name", "what"),
    [("manifest_vae", "a VAE"), ("manifest_wav2vec", "a wav2vec2 speech encoder"), ("manifest_net_g", "upscaler")],
)
def test_another_file_under_this_name_is_recognised(tmp_path, name, what):
    shapes = json.loads((GOLDENS / f"{name}.json").read_text())
    path = saved({key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=f"net.pth seems to be .*{what}.*, not Hallo2's net.pth. Choose net.pth"):
        load_hallo2(path)


@pytest.fixture(scope="module")
def vae_state():
    vae = AutoencoderKL(VAE, Build(device="meta"))
    fill_with_seeded_weights(vae, "vae.")
    return vae.state_dict()


def old_names(state):
    """As diffusers wrote them before 0.17, sd-vae-ft-mse among them."""
    words = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for key, tensor in state.items():
        for new, old in words.items():
            key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        renamed[key] = tensor
    return renamed


def as_convolutions(state):
    return {
        key: tensor[:, :, None, None] if "attentions" in key and tensor.ndim == 2 else tensor
        for key, tensor in state.items()
    }


def sd_names(state):
    """As in Stable Diffusion's own files, vae-ft-mse-840000-ema-pruned among them."""
    levels = len(VAE.block_widths)
    parts = (
        ("down_blocks.{}.resnets", "down.{}.block"),
        ("down_blocks.{}.downsamplers.0", "down.{}.downsample"),
        ("up_blocks.{}.resnets", "up.{}.block"),
        ("up_blocks.{}.upsamplers.0", "up.{}.upsample"),
    )
    words = {
        "mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2",
        "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
        "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
        "mid_block.attentions.0.to_": "mid.attn_1.", "conv_shortcut": "nin_shortcut", "conv_norm_out": "norm_out",
    }  # fmt: skip
    for level in range(levels):
        for new, sd in parts:
            words[new.format(level)] = sd.format(levels - 1 - level if new.startswith("up") else level)
    renamed = {}
    for key, tensor in as_convolutions(state).items():
        for new, sd in words.items():
            key = key.replace(new, sd)
        renamed[key] = tensor
    return renamed


def test_sd_names_are_those_that_diffusers_reads(vae_state):
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    config = {"down_block_types": VAE.block_widths, "up_block_types": VAE.block_widths, "layers_per_block": 1}
    converted = convert_ldm_vae_checkpoint(dict(sd_names(vae_state)), config)
    assert {key: tensor.squeeze() for key, tensor in converted.items()}.keys() == vae_state.keys()
    assert all(torch.equal(converted[key].flatten(), tensor.flatten()) for key, tensor in vae_state.items())


@pytest.mark.parametrize(
    "written",
    [dict, old_names, lambda state: as_convolutions(old_names(state)), sd_names],
    ids=["today's names", "old names", "old names, attention as convolutions", "Stable Diffusion's names"],
)
def test_a_vae_loads_under_old_and_new_names(tmp_path, vae_state, written):
    vae = load_vae(saved(written(vae_state), tmp_path / "vae.safetensors"))
    assert vae.config == VAE
    loaded = vae.state_dict()
    assert loaded.keys() == vae_state.keys()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in vae_state.items())


def test_a_vae_in_another_dtype(tmp_path, vae_state):
    vae = load_vae(saved(vae_state, tmp_path / "vae.safetensors"), Build(dtype=torch.float16))
    assert {tensor.dtype for tensor in vae.state_dict().values()} == {torch.float16}


def test_a_net_is_not_a_vae(tmp_path, state):
    with pytest.raises(CheckpointError, match="seems to be Hallo2's net.pth, not a VAE.* Choose vae-ft-mse"):
        load_vae(saved(state, tmp_path / "vae.safetensors"))


MEASURE = """
import sys, torch
from pathlib import Path
from hallo2_core.checkpoints.build import load_hallo2
from hallo2_core.models.layers import Build

def status(line):
    return next(int(row.split()[1]) * 1024 for row in open("/proc/self/status") if row.startswith(line))

Path("/proc/self/clear_refs").write_text("5")  # the peak starts again here
before = status("VmRSS")
models = load_hallo2(sys.argv[1], Build(dtype=getattr(torch, sys.argv[2]) if sys.argv[2] != "own" else None))
loaded = [tensor for name in ("reference_net", "denoising_unet", "face_locator", "image_projection", "audio_projection")
          for tensor in getattr(models, name).state_dict().values()]
for tensor in loaded:
    tensor.flatten()[::1024].sum()  # every page is used once, as in a first run
print(status("VmHWM") - before, sum(tensor.nbytes for tensor in loaded))
"""


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """300 MB in half precision: the released dimensions at a quarter of the UNets' width."""
    config = tiny.replace(tiny.Hallo2Config(), unet=UNetConfig((64, 128, 256, 256)))
    shapes = {key: tensor.shape for key, tensor in whole_state(hallo2_networks(config, Build(device="meta"))).items()}
    noise = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0)).half()
    folder = tmp_path_factory.mktemp("large")
    state = {key: noise.repeat(shape.numel() // noise.numel() + 1)[: shape.numel()].view(shape).clone()
             for key, shape in shapes.items()}  # fmt: skip
    return {suffix: saved(state, folder / f"net.{suffix}") for suffix in ("pth", "safetensors")}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("dtype", ["own", "float32"])
def test_memory_to_load_is_the_weights_and_little_more(large_file, suffix, dtype):
    done = subprocess.run([sys.executable, "-c", MEASURE, large_file[suffix], dtype], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak, tensors = map(int, done.stdout.split())
    assert tensors >= (550e6 if dtype == "float32" else 280e6)
    assert peak <= 1.15 * tensors, f"{peak / tensors:.3f} times the weights"


def test_a_vae_whose_configuration_is_sdxls_is_refused(tmp_path, vae_state):
    (tmp_path / "config.json").write_text('{"scaling_factor": 0.13025}')
    with pytest.raises(CheckpointError, match="SDXL"):
        load_vae(saved(vae_state, tmp_path / "vae.safetensors"))
