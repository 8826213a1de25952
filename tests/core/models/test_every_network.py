"""Properties of all networks: keys, layer implementations, dtypes, and devices of the weights."""

import json
from types import SimpleNamespace

import pytest
import tiny
import torch
from diffusers import AutoencoderKL as TheirVAE
from einops import rearrange
from torch import nn

from hallo2_core.config import Hallo2Config, UNetConfig, VAEConfig
from hallo2_core.models import casting
from hallo2_core.models.attention_function import sdpa
from hallo2_core.models.audio_projection import AudioProjection
from hallo2_core.models.denoising_unet import DenoisingUNet
from hallo2_core.models.face_locator import FaceLocator
from hallo2_core.models.image_projection import ImageProjection
from hallo2_core.models.layers import Build, compute_dtype_of
from hallo2_core.models.reference_net import ReferenceNet
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.selftest.case import shipped_goldens

NETWORKS = {
    "reference_unet": lambda config, build: ReferenceNet(config.unet, build),
    "denoising_unet": lambda config, build: DenoisingUNet(config.unet, build),
    "face_locator": lambda config, build: FaceLocator(config.face_locator, build),
    "imageproj": lambda config, build: ImageProjection(config.image_projection, build),
    "audioproj": lambda config, build: AudioProjection(config.audio_projection, build),
}
EVERY_NETWORK = NETWORKS | {"vae": lambda config, build: AutoencoderKL(tiny.VAE, build)}
KEPT_WIDE = {"face_locator", "imageproj", "audioproj"}  # where the weights of the UNets have eight bits
FIELDS = dict(
    zip(
        EVERY_NETWORK,
        ("reference_net", "denoising_unet", "face_locator", "image_projection", "audio_projection", "vae"),
        strict=True,
    )
)


def manifest(name):
    return json.loads((shipped_goldens() / name).read_text())


def shapes(state):
    return {key: list(tensor.shape) for key, tensor in state.items()}


def test_released_keys_and_shapes_are_ours_without_a_table():
    expected, ours = manifest("manifest_net.json"), {}
    assert len(expected) == 2656
    for prefix, build_network in NETWORKS.items():
        network = build_network(Hallo2Config(), Build(device="meta"))
        ours |= {f"{prefix}.{key}": shape for key, shape in shapes(network.state_dict()).items()}
        below = {
            key.removeprefix(f"{prefix}."): torch.empty(shape, device="meta")
            for key, shape in expected.items()
            if key.startswith(f"{prefix}.")
        }
        network.load_state_dict(below, strict=True, assign=True)
    assert ours == expected


def test_vae_keys_are_those_of_diffusers():
    config = VAEConfig((16, 32, 32, 32), layers_per_block=1, norm_groups=8)
    ours = AutoencoderKL(config, Build(device="meta"))
    assert shapes(ours.state_dict()) == manifest("manifest_vae.json")
    with torch.device("meta"):
        full_size = TheirVAE(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
    assert shapes(AutoencoderKL(VAEConfig(), Build(device="meta")).state_dict()) == shapes(full_size.state_dict())


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_building_on_meta_allocates_nothing(name):
    network = EVERY_NETWORK[name](Hallo2Config(), Build(device="meta"))
    assert {tensor.device.type for tensor in network.state_dict().values()} == {"meta"}


@pytest.mark.parametrize("name", EVERY_NETWORK)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_weight_is_born_in_the_dtype_asked_for(name, dtype):
    network = EVERY_NETWORK[name](tiny.CONFIG, Build(dtype=dtype, device="cpu"))
    assert {tensor.dtype for tensor in network.state_dict().values()} == {dtype} == {compute_dtype_of(network)}


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_every_layer_comes_from_the_operations_handed_in(name):
    operations, kinds = SimpleNamespace(), []
    for kind in ("Linear", "Conv1d", "Conv2d", "GroupNorm", "LayerNorm"):
        own = type(f"Own{kind}", (getattr(nn, kind),), {})
        setattr(operations, kind, own)
        kinds.append(own)
    network = EVERY_NETWORK[name](tiny.CONFIG, Build(operations=operations, device="meta"))
    with_weights = {type(module) for module in network.modules() if any(True for _ in module.parameters(recurse=False))}
    assert with_weights and with_weights <= set(kinds)


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_weights_lie_in_leaves_only(name):
    """A host that loads a network in part moves leaves; a tensor beside submodules would be forgotten."""
    for path, module in EVERY_NETWORK[name](tiny.CONFIG, Build(device="meta")).named_modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        assert not (own and list(module.children())), f"{path} has weights of its own beside submodules"


def outputs(models):
    """Each network's output on fixed inputs, in the network's dtype."""
    dtype = compute_dtype_of(models.reference_net)
    picture = tiny.normal(1, 1, 3, 64, 64).to(dtype)
    windows = tiny.normal(2, 3, 5, 4, 32).to(dtype)
    with torch.inference_mode():
        banks = models.reference_net(tiny.normal(3, 2, 4, 8, 8).to(dtype), tiny.normal(4, 2, 4, 24).to(dtype))
        return {
            "reference_unet": torch.cat([bank.flatten() for layer in banks.layers.values() for bank in layer]),
            "denoising_unet": tiny.denoising_inputs().to(dtype).run(models.denoising_unet),
            "face_locator": models.face_locator(picture),
            "imageproj": models.image_projection(tiny.normal(5, 1, 512).to(dtype)),
            "audioproj": models.audio_projection(windows),
            "vae": models.vae.decode(models.vae.encode(picture)),
        }


@pytest.fixture(scope="module")
def in_float32():
    return outputs(tiny.shared_models())


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 0.015), (torch.bfloat16, 0.07)], ids=["fp16", "bf16"])
def test_half_precision_runs_and_is_near_float32(in_float32, dtype, limit):
    """limit: of the root mean square difference, in standard deviations of the output."""
    for name, got in outputs(tiny.models(Build(dtype=dtype))).items():
        expected = in_float32[name]
        assert got.dtype == dtype, name
        assert (got.float() - expected).square().mean().sqrt() <= limit * expected.std(), name


def test_train_and_eval_mode_are_one_path(in_float32):
    """As in the original's results (quirk 1), but in both modes."""
    models = tiny.models()
    for mode in (True, False):
        for field in FIELDS.values():
            getattr(models, field).train(mode)
        for name, got in outputs(models).items():
            assert torch.equal(got, in_float32[name]), (name, mode)


def test_all_attention_goes_through_the_function_handed_in(in_float32):
    calls = []

    def by_hand(q, k, v, heads):
        """The same numbers without the fused kernel."""
        calls.append(heads)
        q, k, v = (rearrange(x, "b l (heads d) -> b heads l d", heads=heads) for x in (q, k, v))
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1)
        return rearrange(weights @ v, "b heads l d -> b l (heads d)")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "scaled_dot_product_attention", None)  # nobody goes around it
        got = outputs(tiny.models(Build(attention=by_hand)))
    for name, expected in in_float32.items():
        torch.testing.assert_close(got[name], expected, atol=1e-4, rtol=1e-4)
    # ReferenceNet: 3 down, 1 mid, 6 up spatial blocks of two attentions, the last of which stops at its bank.
    # Denoising UNet: the same ten layers, of 3 spatial (one of them for the unconditional half), 2 audio (one of them
    # for the three regions together), 2 motion. In the four wide ones the face tokens are merged.
    assert calls.count(8) == 2 * 9 + (3 + 1 + 2) * 10 - 4
    assert calls.count(3 * 8) == 10
    assert calls.count(1) == 2  # the VAE's


def test_the_default_attention_is_torchs():
    assert Build().attention is sdpa


def test_the_unets_default_to_the_released_size():
    count = sum(p.numel() for p in DenoisingUNet(UNetConfig(), Build(device="meta")).parameters())
    assert 1.52e9 < count < 1.53e9


@pytest.mark.parametrize(
    ("storage", "limit"), [(torch.float16, 0.004), (torch.bfloat16, 0.03), (torch.float8_e4m3fn, 0.25)], ids=str
)
def test_weights_in_fewer_bits_are_cast_layer_by_layer(in_float32, storage, limit):
    """limit: as above. The arithmetic is float32, so what differs is the rounding of the weights alone."""
    build = Build(casting, dtype=storage, compute_dtype=torch.float32)
    for name, got in outputs(tiny.models(build)).items():
        expected = in_float32[name]
        assert got.dtype == torch.float32, name
        assert (got - expected).square().mean().sqrt() <= limit * expected.std(), name
        assert not torch.equal(got, expected) or name in KEPT_WIDE, name
