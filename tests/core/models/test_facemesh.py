"""FaceMesh against the published TFLite network, run by its own interpreter."""

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from einops import rearrange
from safetensors.torch import load_file

from hallo2_core.models.facemesh import FaceMesh

ROOT = Path(__file__).parents[3]
WEIGHTS = ROOT / "hallo2_core" / "portrait" / "weights" / "facemesh.safetensors"
GOLDEN = Path(__file__).parent / "data" / "facemesh.safetensors"
TFLITE = Path(os.environ.get("HALLO2_TFLITE_DIR", ".")) / "face_landmark.tflite"
LIMIT = 5e-4  # outputs reach ±160


@pytest.fixture(scope="module")
def network():
    module = FaceMesh()
    weights = {key: value.float() for key, value in load_file(WEIGHTS).items()}
    module.load_state_dict(weights, strict=True)
    return module.eval()


def answers(network, pictures):
    """pictures: (b h w c) uint8.  Returns ours under the names, and in the shapes, of the TFLite outputs."""
    with torch.inference_mode():
        points, presence = network(rearrange(pictures, "b h w c -> b c h w").float() / 255.0)
    return {
        "conv2d_20": rearrange(points, "b points axes -> b 1 1 (points axes)"),
        "conv2d_30": rearrange(presence, "b -> b 1 1 1"),
    }


def test_the_originals_stored_answers(network):
    golden = load_file(GOLDEN)
    for name, ours in answers(network, golden["pictures"]).items():
        worst = float((ours - golden[name]).abs().max())
        print(f"{name}: largest difference {worst:.2g}")
        assert worst <= LIMIT


def test_the_originals_live_answers(network):
    if not TFLITE.exists():
        pytest.skip(f"{TFLITE.name} is not in the folder that HALLO2_TFLITE_DIR names")
    pytest.importorskip("ai_edge_litert")
    spec = spec_from_file_location("convert_face_models", ROOT / "tools" / "convert_face_models.py")
    converter = module_from_spec(spec)
    spec.loader.exec_module(converter)
    pictures = torch.randint(0, 256, (4, 192, 192, 3), generator=torch.Generator().manual_seed(7)).to(torch.uint8)
    theirs = converter.run_tflite(TFLITE, pictures, low=0.0)
    for name, ours in answers(network, pictures).items():
        torch.testing.assert_close(ours, theirs[name], rtol=0, atol=LIMIT)


def test_a_face_is_told_from_noise(network):
    _, presence = network(rearrange(load_file(GOLDEN)["pictures"], "b h w c -> b c h w").float() / 255.0)
    assert presence[0] > 5 and presence[1] < -5
