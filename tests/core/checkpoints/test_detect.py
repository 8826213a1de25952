import json
from dataclasses import replace

import pytest
import tiny
from seeded_models import SEEDED_HALLO2, SEEDED_VAE

from hallo2_core.checkpoints.detect import FileContent, file_content, hallo2_config, vae_config
from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.config import Hallo2Config, UNetConfig, VAEConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.selftest.case import GOLDENS


def manifest(name):
    return {key: tuple(shape) for key, shape in json.loads((GOLDENS / f"{name}.json").read_text()).items()}


def below(shapes, prefix):
    return {key.removeprefix(prefix): shape for key, shape in shapes.items() if key.startswith(prefix)}


def empty_shapes(networks):
    """Key → shape of networks on the meta device."""
    return {
        prefix + key: tuple(tensor.shape)
        for prefix, network in networks.items()
        for key, tensor in network.state_dict().items()
    }


def empty_hallo2(config):
    models = hallo2_networks(config, Build(device="meta"))
    return empty_shapes({prefix: getattr(models, name) for name, prefix in PREFIXES.items()})


NET = manifest("manifest_net")
DENOISING = below(NET, "denoising_unet.")
STABLE_DIFFUSION = dict.fromkeys(
    (
        "model.diffusion_model.input_blocks.0.0.weight",
        "first_stage_model.encoder.down.0.block.0.conv1.weight",
        "first_stage_model.decoder.up.0.block.0.conv1.weight",
        "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    ),
    (1,),
)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (NET, FileContent.HALLO2),
        (manifest("manifest"), FileContent.HALLO2),
        (DENOISING, FileContent.DENOISING_UNET),
        (below(NET, "reference_unet."), FileContent.SD_UNET),
        ({key: shape for key, shape in NET.items() if not key.startswith("imageproj")}, FileContent.HALLO1),
        ({key: shape for key, shape in NET.items() if "zero_conv" not in key}, FileContent.HALLO1),
        ({key: shape for key, shape in DENOISING.items() if ".motion_modules." in key}, FileContent.MOTION_MODULE),
        (manifest("manifest_net_g"), FileContent.UPSCALER),
        (manifest("manifest_vae"), FileContent.VAE),
        (manifest("manifest_wav2vec"), FileContent.SPEECH_ENCODER),
        ({f"wav2vec2.{key}": shape for key, shape in manifest("manifest_wav2vec").items()}, FileContent.SPEECH_ENCODER),
        (STABLE_DIFFUSION, FileContent.SD_CHECKPOINT),
        (below(STABLE_DIFFUSION, "first_stage_model."), FileContent.SD_VAE),
        (below(STABLE_DIFFUSION, "cond_stage_model.transformer."), FileContent.TEXT_ENCODER),
        ({"fc.weight": (3, 3)}, FileContent.UNKNOWN),
        ({}, FileContent.UNKNOWN),
    ],
    ids=[
        "net.pth", "tiny net.pth", "denoising UNet", "reference UNet", "without image projection", "without regions",
        "motion module", "net_g.pth", "VAE", "wav2vec2", "wav2vec2 with a head", "SD checkpoint", "SD VAE", "CLIP",
        "something else", "nothing",
    ],
)  # fmt: skip
def test_what_a_file_is(shapes, expected):
    assert file_content(shapes) is expected


def test_the_released_configuration_is_the_default():
    assert hallo2_config(NET) == Hallo2Config()


@pytest.mark.parametrize(
    "config",
    [
        SEEDED_HALLO2,
        tiny.CONFIG,
        Hallo2Config(UNetConfig((32, 64, 64), layers_per_block=3, face_token_width=48, motion_positions=24)),
    ],
    ids=["demo", "tiny", "three levels"],
)
def test_a_configuration_is_read_off_empty_models(config):
    """All but what leaves no trace in shapes: norm groups, and how the speech features' width is made up."""
    found = hallo2_config(empty_hallo2(config))
    expected_audio, audio = config.audio_projection, found.audio_projection
    assert audio.layers * audio.feature_width == expected_audio.layers * expected_audio.feature_width
    same = replace(audio, layers=expected_audio.layers, feature_width=expected_audio.feature_width)
    assert replace(found, audio_projection=same) == replace(config, unet=replace(config.unet, norm_groups=32))


@pytest.mark.parametrize("config", [SEEDED_VAE, VAEConfig(), VAEConfig((32, 64, 96), layers_per_block=3)], ids=str)
def test_a_vaes_configuration_is_read_off_empty_models(config):
    assert vae_config(empty_shapes({"": AutoencoderKL(config, Build(device="meta"))})) == config


def test_the_real_vae_is_the_default():
    """sd-vae-ft-mse's shapes at a few places; the whole of it is compared with diffusers in the models' tests."""
    shapes = empty_shapes({"": AutoencoderKL(VAEConfig(), Build(device="meta"))})
    assert shapes["decoder.up_blocks.3.resnets.0.conv_shortcut.weight"] == (128, 256, 1, 1)
    assert shapes["encoder.mid_block.attentions.0.to_q.weight"] == (512, 512) and len(shapes) == 248


@pytest.mark.parametrize(
    "changed",
    [
        {"imageproj.norm.weight": (0,)},
        {"face_locator.conv_in.weight": ()},
        {"denoising_unet.down_blocks.0.resnets.999999999.conv1.weight": (8, 8, 3, 3)},
        {"denoising_unet.down_blocks.x.resnets.0.conv1.weight": (8, 8, 3, 3)},
    ],
    ids=str,
)
def test_tensors_that_give_no_dimensions_are_missing_ones(changed):
    assert hallo2_config(NET)
    with pytest.raises(KeyError):
        hallo2_config({**NET, **changed})
