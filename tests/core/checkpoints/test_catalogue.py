import json

import pytest
import torch

from hallo2_core.checkpoints.catalogue import CATALOGUE, check_models
from hallo2_core.errors import CheckpointError
from hallo2_core.selftest.case import GOLDENS

MANIFESTS = {
    "hallo2/net.pth": "manifest",
    "vae/sd-vae-ft-mse.safetensors": "manifest_vae",
    "audio_encoders/wav2vec2-base-960h.safetensors": "manifest_wav2vec",
    "hallo2/net_g.pth": "manifest_net_g",
}


def put(models, place, manifest):
    """A file with the right keys and shapes, and one number for each tensor."""
    shapes = json.loads((GOLDENS / f"{manifest}.json").read_text())
    path = models / place
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}, path)


def reports(models):
    return {f"{report.known.folder}/{report.known.names[0]}": report for report in check_models(models)}


def test_an_empty_folder_lacks_everything(tmp_path):
    found = reports(tmp_path)
    assert set(MANIFESTS) <= set(found) and not any(report.is_usable for report in found.values())
    assert [place for place, report in found.items() if report.known.needed] == list(MANIFESTS)[:3]
    assert all(known.source and known.license and known.size_bytes for known in CATALOGUE)


def test_what_is_there_is_opened_and_recognised(tmp_path):
    for place, manifest in MANIFESTS.items():
        put(tmp_path, place, manifest)
    found = reports(tmp_path)
    assert {place for place, report in found.items() if report.is_usable} == set(MANIFESTS)


def test_other_names_count(tmp_path):
    put(tmp_path, "hallo2/net.safetensors", "manifest")
    assert reports(tmp_path)["hallo2/net.pth"].path == tmp_path / "hallo2" / "net.safetensors"


def test_damaged_and_mistaken_files_are_told_apart(tmp_path):
    put(tmp_path, "hallo2/net.pth", "manifest_vae")
    (tmp_path / "audio_encoders").mkdir()
    (tmp_path / "audio_encoders" / "wav2vec2-base-960h.safetensors").write_bytes(b"<html>")
    (tmp_path / "hallo2" / "face_analysis").mkdir()
    (tmp_path / "hallo2" / "face_analysis" / "glintr100.onnx").touch()
    found = reports(tmp_path)
    assert "seems to be a VAE" in found["hallo2/net.pth"].problem
    assert "web page" in found["audio_encoders/wav2vec2-base-960h.safetensors"].problem
    assert "empty" in found["hallo2/face_analysis/glintr100.onnx"].problem
    assert not any(report.is_usable for report in found.values())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="There is no folder .*--models"):
        list(check_models(tmp_path / "models"))
