import json
import re

import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints.catalogue import CATALOGUE
from hallo2_core.checkpoints.installed import ComfyLayout, check_models, file_problem, with_hash
from hallo2_core.checkpoints.zeros import SAMPLE_BYTES, SAMPLES
from hallo2_core.errors import CheckpointError
from hallo2_core.selftest.case import GOLDENS

MANIFESTS = {
    "hallo2/net.pth": "manifest",
    "vae/vae-ft-mse-840000-ema-pruned.safetensors": "manifest_vae",
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
    return {f"{report.known.folder}/{report.known.names[0]}": report for report in check_models(ComfyLayout.at(models))}


def test_an_empty_folder_lacks_everything(tmp_path):
    found = reports(tmp_path)
    assert set(MANIFESTS) <= set(found) and not any(report.is_usable for report in found.values())
    assert [place for place, report in found.items() if report.known.needed] == list(MANIFESTS)[:3]
    assert "license: Apache-2.0" in str(found["audio_encoders/wav2vec2-base-960h.safetensors"])
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
        ComfyLayout.at(tmp_path / "models")


def test_files_in_subfolders_count(tmp_path):
    put(tmp_path, "vae/sd15/sd-vae-ft-mse.safetensors", "manifest_vae")
    found = reports(tmp_path)["vae/vae-ft-mse-840000-ema-pruned.safetensors"]
    assert found.is_usable and found.path == tmp_path / "vae" / "sd15" / "sd-vae-ft-mse.safetensors"


def test_a_page_under_an_onnx_files_name(tmp_path):
    path = tmp_path / "glintr100.onnx"
    path.write_bytes(b"<!doctype html>")
    (known,) = [known for known in CATALOGUE if known.name == path.name]
    assert "not an ONNX file" in file_problem(known, path)
    path.write_bytes(b"\x08\x06\x12\x07pytorch")
    assert file_problem(known, path) == ""


@pytest.mark.parametrize(("zero_share", "is_damaged"), [(0, False), (0.05, False), (1 / 3, True)])
def test_a_download_that_only_reserved_its_space(tmp_path, zero_share, is_damaged):
    values = 1 + torch.arange(4 * SAMPLES * SAMPLE_BYTES // 4, dtype=torch.float32)
    values[values.numel() - int(zero_share * values.numel()) :] = 0
    (known,) = [known for known in CATALOGUE if "speech" in known.what]
    path = tmp_path / known.name
    save_file({"wav2vec2.feature_extractor.conv_layers.0.conv.weight": values}, path)
    assert ("zeros" in file_problem(known, path)) == is_damaged


def test_a_file_with_another_hash_than_the_known_one(tmp_path):
    place = "audio_encoders/wav2vec2-base-960h.safetensors"
    put(tmp_path, place, MANIFESTS[place])
    put(tmp_path, "hallo2/net.pth", "manifest")
    found = reports(tmp_path)
    assert found[place].is_usable and "but should be 8aa76ab2" in with_hash(found[place]).problem
    unknown = with_hash(found["hallo2/net.pth"])
    assert unknown.is_usable and len(unknown.sha256) == 64 and unknown.sha256 in str(unknown)


def test_sources_are_pinned():
    for known in CATALOGUE:
        assert re.fullmatch("[0-9a-f]{40}", known.revision) and re.fullmatch("([0-9a-f]{64})?", known.sha256)
        assert known.url("http://mirror") == f"http://mirror/{known.repository}/resolve/{known.revision}/{known.path}"
