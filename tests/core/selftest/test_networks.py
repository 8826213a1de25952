import json

import torch

from hallo2_core.config import Hallo2Config, VAEConfig
from hallo2_core.selftest.case import GOLDENS, Case, Settings
from hallo2_core.selftest.networks import CaseNetworks, exact_arithmetic, hallo2_config, vae_config


def raw(name):
    return json.loads((GOLDENS / name).read_text(encoding="utf-8"))


def test_the_full_configuration_is_our_default():
    assert hallo2_config(raw("config_full.json")) == Hallo2Config()
    assert vae_config(raw("config_full.json")["vae"]) == VAEConfig()


def test_networks_of_a_case_have_exactly_the_tensors_of_its_manifest():
    settings = Settings(torch.device("cpu"), torch.bfloat16)
    models = CaseNetworks(Case("image_proj", GOLDENS / "image_proj.safetensors"), settings).all()
    prefixes = {
        "reference_unet.": models.reference_net,
        "denoising_unet.": models.denoising_unet,
        "face_locator.": models.face_locator,
        "imageproj.": models.image_projection,
        "audioproj.": models.audio_projection,
    }
    ours = {
        prefix + key: list(tensor.shape)
        for prefix, network in prefixes.items()
        for key, tensor in network.state_dict().items()
    }
    assert ours == raw("manifest.json")
    assert {p.dtype for network in models.networks for p in network.parameters()} == {torch.bfloat16}


def test_float32_is_compared_with_float32():
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    try:
        backends[1].allow_tf32 = True
        with exact_arithmetic():
            assert not any(backend.allow_tf32 for backend in backends)
        assert backends[1].allow_tf32  # whoever shares the process with the cases keeps its own choice
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed
