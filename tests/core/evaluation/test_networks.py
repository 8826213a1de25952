"""The networks as files describe them, and as the official ones compute.

The expected values were printed by the official modules (syncnet-python 0.2.3, torch-fidelity 0.4.0) with the weights
of `fill`; ours gave the same bits. The key digests are of the official modules, too.
"""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.errors import CheckpointError
from hallo2_core.evaluation.networks.face_coefficients import (
    SIDE_PX,
    TEMPLATE,
    FaceCoefficients,
    aligned_face,
    load_face_coefficients,
)
from hallo2_core.evaluation.networks.i3d import I3D, load_i3d
from hallo2_core.evaluation.networks.i3d import _padded as padded
from hallo2_core.evaluation.networks.inception import Inception, load_inception, tensorflow_resize
from hallo2_core.evaluation.networks.lpips import LPIPS, AlexNetFeatures, LayerWeights, load_lpips
from hallo2_core.evaluation.networks.syncnet import SyncNet, load_syncnet


def fill(network):
    """The same weights in every module with the same keys."""
    generator = torch.Generator().manual_seed(0)
    state = network.state_dict()
    for key in sorted(state):
        tensor = state[key]
        if key.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif not key.endswith("num_batches_tracked"):
            scale = 0.05 if tensor.dim() == 1 else (2 / tensor[0].numel()) ** 0.5
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale)
    return network.eval().requires_grad_(False)


def digest(network):
    rows = sorted(
        f"{key} {tuple(value.shape)}"
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    )
    return len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def on_meta(build):
    with torch.device("meta"):
        return build()


def test_syncnet_is_the_official_one():
    network, generator = fill(SyncNet()), torch.Generator().manual_seed(1)
    assert digest(network) == (88, "d120c17fa0ef811c")
    faces = torch.randint(0, 256, (1, 5, 224, 224, 3), generator=generator).float()
    mfcc = torch.randn(2, 13, 20, generator=generator)
    lips, sound = network.lips(faces)[0, :4], network.sound(mfcc)[0, :4]
    torch.testing.assert_close(sound, torch.tensor([-0.0148, -0.0232, 0.0770, 0.0138]), rtol=0, atol=1e-4)
    torch.testing.assert_close(lips, torch.tensor([-0.0056, -0.0313, -0.0264, 0.0741]), rtol=0, atol=1e-4)


def test_inception_is_the_official_one():
    network, generator = fill(Inception()), torch.Generator().manual_seed(1)
    assert digest(network) == (470, "e22ffc91a09f7caa")
    frames = torch.randint(0, 256, (2, 48, 64, 3), generator=generator, dtype=torch.uint8)
    features = network(frames)
    assert features.shape == (2, 2048) and float(features.max()) == pytest.approx(0.1766, abs=1e-3)
    torch.testing.assert_close(features[0, :4], torch.tensor([0.0184, 0.0168, 0.0, 0.0]), rtol=0, atol=1e-3)


def test_tensorflow_keeps_the_first_pixel_in_its_place():
    """Enlarged twice: every other value is the old one, the others lie half-way; the last one is repeated."""
    row = torch.tensor([0.0, 2.0, 6.0]).reshape(1, 1, 1, 3).expand(1, 1, 3, 3)
    assert tensorflow_resize(row, 6)[0, 0, 0].tolist() == [0.0, 1.0, 2.0, 4.0, 6.0, 6.0]


def test_lpips_of_a_known_difference():
    """With heads of one, a layer is at most 2: the squared distance of two unit vectors without a feature in common."""
    features, heads = fill(AlexNetFeatures()), LayerWeights()
    for parameter in heads.parameters():
        parameter.data.fill_(1.0)
    network = LPIPS(features, heads)
    generator = torch.Generator().manual_seed(1)
    one, other = torch.randint(0, 256, (2, 2, 64, 64, 3), generator=generator, dtype=torch.uint8)
    distance = network(one, other)
    assert torch.equal(network(one, one), torch.zeros(2)) and (distance > 0).all() and (distance < 10).all()
    torch.testing.assert_close(network(other, one), distance)
    torch.testing.assert_close(network(one[1:], other[1:]), distance[1:], rtol=1e-4, atol=1e-6)


def test_i3d_takes_a_clip_to_400_logits():
    network = fill(I3D())
    clip = torch.randint(0, 256, (1, 10, 32, 48, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    logits = network(clip)
    assert logits.shape == (1, 400) and logits.isfinite().all() and logits.std() > 0
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert shapes["Conv3d_1a_7x7.conv3d.weight"] == (64, 3, 7, 7, 7)
    assert shapes["Mixed_4f.b2b.conv3d.weight"] == (128, 32, 3, 3, 3)
    assert shapes["Mixed_5c.b1b.bn.running_var"] == (384,) and shapes["logits.conv3d.bias"] == (400,)


def test_i3d_pads_as_tensorflow():
    """Stride 2, kernel 7, 224 pixels: 5 are missing, 2 before and 3 after; 16 frames, kernel 3, stride 2: 1 after."""
    assert padded(torch.zeros(1, 1, 16, 224, 224), (3, 7, 7), (2, 2, 2)).shape == (1, 1, 17, 229, 229)
    marked = padded(torch.ones(1, 1, 1, 4, 4), (1, 3, 3), (1, 2, 2))
    assert marked[0, 0, 0, 0, 0] == 1 and marked[0, 0, 0, -1, -1] == 0


def test_the_face_network_is_a_resnet_of_the_known_size():
    """ResNet-50 without its classifier has 23,508,032 parameters."""
    network = on_meta(FaceCoefficients)
    assert sum(parameter.numel() for parameter in network.backbone.parameters()) == 23_508_032
    assert "backbone.layer3.5.bn3.weight" in network.state_dict()
    assert network.final_layers[1].weight.shape == (64, 2048, 1, 1)


def test_a_face_is_aligned_to_the_template():
    """White squares at the five points of a small tilted face lie at the template's points afterwards."""
    picture, template = torch.zeros(3, 120, 120), torch.tensor(TEMPLATE)
    turn = torch.tensor([[0.4, -0.1], [0.1, 0.4]])
    points = template @ turn.T + 12
    for x, y in points.round().int().tolist():
        picture[:, y - 2 : y + 2, x - 2 : x + 2] = 1.0
    face = aligned_face(picture, points)
    assert face.shape == (3, SIDE_PX, SIDE_PX)
    for x, y in template.round().int().tolist():
        assert face[0, y, x] > 0.9
    assert face.mean() < 0.05


def test_files_are_loaded_strictly(tmp_path):
    heads = {key: torch.rand(value.shape) for key, value in LayerWeights().state_dict().items()}
    backbone = {key: torch.rand(value.shape) for key, value in AlexNetFeatures().state_dict().items()}
    torch.save(heads, tmp_path / "alex.pth")
    save_file(backbone | {"classifier.1.weight": torch.rand(3, 3)}, tmp_path / "alexnet.safetensors")
    network = load_lpips(tmp_path / "alexnet.safetensors", tmp_path / "alex.pth")
    assert torch.equal(network.heads.state_dict()["lin3.model.1.weight"], heads["lin3.model.1.weight"])
    assert torch.equal(network.backbone.state_dict()["features.8.bias"], backbone["features.8.bias"])
    assert not network.training
    for load in (load_inception, load_i3d, load_syncnet, load_face_coefficients):
        with pytest.raises(
            CheckpointError, match="alex.pth is not .* tensors are missing, unknown or of another shape"
        ):
            load(tmp_path / "alex.pth")


def test_weights_of_deep3dfacerecon_lie_below_their_name(tmp_path):
    network = FaceCoefficients()
    state = {key: value.half() for key, value in network.state_dict().items()}
    torch.save({"net_recon": state, "opt_00": {"step": 3}}, tmp_path / "epoch_20.pth")
    loaded = load_face_coefficients(tmp_path / "epoch_20.pth")
    assert torch.equal(loaded.backbone.conv1.weight, network.backbone.conv1.weight.half().float())


def test_a_file_with_code_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "i3d.pt")
    with pytest.raises(CheckpointError, match="contains Python objects besides tensors"):
        load_i3d(tmp_path / "i3d.pt")
