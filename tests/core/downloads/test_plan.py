import pytest

from hallo2_core.checkpoints.catalogue import Purpose
from hallo2_core.checkpoints.installed import ComfyLayout
from hallo2_core.downloads import plan as planning
from hallo2_core.downloads.endpoint import chosen_endpoint
from hallo2_core.downloads.plan import chosen_purposes, plan_downloads
from hallo2_core.errors import DownloadError, SettingsError

ONNX = b"\x08\x06"


def test_everything_is_listed_with_size_source_and_license(tmp_path):
    plan = plan_downloads({Purpose.ANIMATION}, ComfyLayout(tmp_path))
    assert [download.path.relative_to(tmp_path).as_posix() for download in plan.downloads] == [
        "hallo2/net.pth",
        "vae/vae-ft-mse-840000-ema-pruned.safetensors",
        "audio_encoders/wav2vec2-base-960h.safetensors",
    ]
    text = "\n".join(plan.lines("http://mirror"))
    for part in ("4.85 GB", "OpenRAIL-M", "license: MIT", "http://mirror/fudan-generative-ai/hallo2/resolve/ba6eea56"):
        assert part in text
    assert text.endswith("3 files, 5.56 GB to download")
    assert list(tmp_path.iterdir()) == []


def test_installed_files_are_left_alone_and_damaged_ones_replaced(tmp_path):
    folder = tmp_path / "hallo2" / "face_analysis"
    folder.mkdir(parents=True)
    (folder / "scrfd_10g_bnkps.onnx").write_bytes(ONNX)
    damaged = folder / "glintr100.onnx"
    damaged.write_bytes(b"<html>")
    plan = plan_downloads({Purpose.IDENTITY}, ComfyLayout(tmp_path))
    assert [report.known.name for report in plan.present] == ["scrfd_10g_bnkps.onnx"]
    assert [(download.path, download.replaces) for download in plan.downloads] == [(damaged, damaged)]
    assert f"replaces {damaged}, which is damaged" in "\n".join(plan.lines("http://mirror"))
    damaged.write_bytes(ONNX)
    assert plan_downloads({Purpose.IDENTITY}, ComfyLayout(tmp_path)).lines("")[-1] == "Nothing is left to download."


def test_space_is_summed_over_files_on_the_same_disk(tmp_path, monkeypatch):
    plan = plan_downloads(set(Purpose), ComfyLayout(tmp_path))
    needed = sum(download.known.size_bytes for download in plan.downloads) + planning.RESERVE_BYTES
    monkeypatch.setattr(planning.shutil, "disk_usage", lambda _folder: Disk(needed - 1))
    with pytest.raises(DownloadError, match=r"needs 6.95 GB. Make room"):
        plan.check_space()
    monkeypatch.setattr(planning.shutil, "disk_usage", lambda _folder: Disk(needed))
    plan.check_space()


class Disk:
    def __init__(self, free):
        self.free = free


def test_what_arrived_earlier_needs_no_more_space(tmp_path):
    (download, *_others) = plan_downloads({Purpose.UPSCALING}, ComfyLayout(tmp_path)).downloads
    download.work_folder.mkdir(parents=True)
    download.part.write_bytes(bytes(1000))
    assert download.missing_bytes == download.known.size_bytes - 1000


def test_purposes_by_name():
    assert chosen_purposes([]) == {Purpose.ANIMATION}
    assert chosen_purposes(["upscaling", "identity"]) == {Purpose.UPSCALING, Purpose.IDENTITY}
    assert chosen_purposes(["everything"]) == set(Purpose)
    with pytest.raises(SettingsError, match="'films' is not .*animation, upscaling, identity, everything"):
        chosen_purposes(["films"])


def test_the_endpoint_is_the_option_then_the_variable_then_hugging_face():
    variable = {"HF_ENDPOINT": "https://mirror.example/"}
    assert chosen_endpoint("http://here:8000/hub/", variable) == "http://here:8000/hub"
    assert chosen_endpoint("", variable) == "https://mirror.example"
    assert chosen_endpoint("", {}) == "https://huggingface.co"


@pytest.mark.parametrize(
    "address", ["mirror.example", "ftp://mirror", "file:///etc", "https://", "http://a?b=c", "https://[a"]
)
def test_other_addresses_are_refused(address):
    with pytest.raises(SettingsError, match="is not the address of a server"):
        chosen_endpoint(address, {})
