import json

import pytest
import torch

from hallo2_core.checkpoints.catalogue import CATALOGUE
from hallo2_core.checkpoints.installed import ComfyLayout
from hallo2_core.doctor import examine as examining
from hallo2_core.doctor.examine import DOWNLOAD, examine, job_findings, weight_findings
from hallo2_core.doctor.finding import Finding, State, has_problem, report, steps
from hallo2_core.selftest.case import GOLDENS

CPU = torch.device("cpu")
MANIFESTS = {
    "hallo2/net.pth": "manifest",
    "vae/vae-ft-mse-840000-ema-pruned.safetensors": "manifest_vae",
    "audio_encoders/wav2vec2-base-960h.safetensors": "manifest_wav2vec",
}


def install(models, *places):
    """Files with the right keys and shapes."""
    for place in places:
        shapes = json.loads((GOLDENS / f"{MANIFESTS[place]}.json").read_text())
        (models / place).parent.mkdir(parents=True, exist_ok=True)
        torch.save({key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}, models / place)


def states(models):
    """known file → state and remedy"""
    listed = list(weight_findings(ComfyLayout(models)))
    return {known.name: (one.state, one.remedy) for known, one in zip(CATALOGUE, listed, strict=False)}


def test_missing_weights_are_a_problem_only_if_animation_needs_them(tmp_path):
    found = states(tmp_path)
    assert found["net.pth"] == found["wav2vec2-base-960h.safetensors"] == (State.PROBLEM, DOWNLOAD)
    assert found["net_g.pth"] == found["glintr100.onnx"] == (State.GOOD, "")


def test_found_and_damaged_weights(tmp_path):
    install(tmp_path, *MANIFESTS)
    assert {found[0] for found in states(tmp_path).values()} == {State.GOOD}
    (tmp_path / "hallo2" / "net_g.pth").write_bytes(b"<html>")
    state, remedy = states(tmp_path)["net_g.pth"]
    assert state is State.PROBLEM and "hallo2 download upscaling" in remedy and "net_g.pth" in remedy


def test_face_files_need_onnxruntime(tmp_path, monkeypatch):
    folder = tmp_path / "hallo2" / "face_analysis"
    folder.mkdir(parents=True)
    for name in ("scrfd_10g_bnkps.onnx", "glintr100.onnx"):
        (folder / name).write_bytes(b"\x08\x06")
    monkeypatch.setattr(examining, "has_onnxruntime", lambda: False)
    assert "pip install onnxruntime" in list(weight_findings(ComfyLayout(tmp_path)))[-1].remedy
    monkeypatch.setattr(examining, "has_onnxruntime", lambda: True)
    assert all("onnxruntime" not in finding.remedy for finding in weight_findings(ComfyLayout(tmp_path)))


def test_the_whole_examination_comes_in_order(tmp_path):
    install(tmp_path / "models", *MANIFESTS)
    host = Finding("comfyui", "1.0", State.PROBLEM, "Update ComfyUI.")
    findings = examine(ComfyLayout(tmp_path / "models"), tmp_path / "models", tmp_path / "out", CPU, (host,))
    subjects = list(dict.fromkeys(finding.subject for finding in findings))
    assert subjects == ["hallo2", "torch", "packages", "comfyui", "device", "memory", "output", "models", "weights"]
    assert not (tmp_path / "out").exists()
    assert [finding for finding in findings if finding.state is State.PROBLEM] == [host]


def test_stopped_videos_are_counted(tmp_path):
    assert list(job_findings(tmp_path)) == list(job_findings(tmp_path / "nowhere")) == []
    for name in ("a", "b"):
        folder = tmp_path / "hallo2_jobs" / name
        folder.mkdir(parents=True)
        (folder / "clip-000000.mp4").write_bytes(bytes(1_500_000))
    (finding,) = job_findings(tmp_path)
    assert finding.text.startswith("2 stopped videos can be continued, 3.0 MB")


def test_problems_come_first_and_the_same_step_once():
    findings = [
        Finding("a", "fine"),
        Finding("b", "limited", State.NOTE, "Later."),
        Finding("c", "broken", State.PROBLEM, "First."),
        Finding("d", "broken too", State.PROBLEM, "First."),
    ]
    assert steps(findings) == ["First.", "Later."] and has_problem(findings) and not has_problem(findings[:2])
    assert report(findings)[-3:] == ["Next:", "1. First.", "2. Later."]
    assert report(findings)[2] == "problem c        broken"
    assert report(findings[:1])[-1] == "Nothing to do."


@pytest.mark.parametrize("state", State)
def test_every_state_fits_its_column(state):
    assert str(Finding("x", "text", state)).index("text") == 17
