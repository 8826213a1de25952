"""BlazeFace against the published TFLite network, run by its own interpreter."""

import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from einops import rearrange
from safetensors.torch import load_file

from hallo2_core.models.blazeface import BlazeFace, anchor_centres

ROOT = Path(__file__).parents[3]
WEIGHTS = ROOT / "hallo2_core" / "portrait" / "weights" / "blazeface.safetensors"
GOLDEN = Path(__file__).parent / "data" / "blazeface.safetensors"
TFLITE = Path(os.environ.get("HALLO2_TFLITE_DIR", ".")) / "face_detection_short_range.tflite"
LIMIT = 5e-4  # outputs reach ±160


@pytest.fixture(scope="module")
def network():
    module = BlazeFace()
    weights = {key: value.float() for key, value in load_file(WEIGHTS).items()}
    module.load_state_dict(weights, strict=True)
    return module.eval()


def answers(network, pictures):
    """pictures: (b h w c) uint8.  Returns ours under the names, and in the shapes, of the TFLite outputs."""
    with torch.inference_mode():
        logits, boxes = network(rearrange(pictures, "b h w c -> b c h w").float() / 255.0 * 2 - 1)
    return {"classificators": rearrange(logits, "b a -> b a 1"), "regressors": boxes}


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
    pictures = torch.randint(0, 256, (4, 128, 128, 3), generator=torch.Generator().manual_seed(7)).to(torch.uint8)
    theirs = converter.run_tflite(TFLITE, pictures, low=-1.0)
    for name, ours in answers(network, pictures).items():
        torch.testing.assert_close(ours, theirs[name], rtol=0, atol=LIMIT)


def test_anchors_follow_the_networks_order():
    centres = anchor_centres()
    assert centres.shape == (896, 2)
    assert centres[:3].tolist() == [[4.0, 4.0], [4.0, 4.0], [12.0, 4.0]]
    assert centres[32].tolist() == [4.0, 12.0]
    assert centres[512:519].tolist() == [[8.0, 8.0]] * 6 + [[24.0, 8.0]]
