"""The archive that the Comfy Registry gets, installed under another folder name."""

import subprocess
import zipfile

import pytest

FOLDER = "hallo2_0.2.0"  # as a browser unpacks a download


def tracked(pack, *options):
    listed = subprocess.run(["git", "ls-files", "-z", *options], cwd=pack, capture_output=True, check=True, text=True)
    return set(listed.stdout.split("\0")) - {""}


@pytest.fixture(scope="module")
def installed(pack, tmp_path_factory):
    """What `comfy node pack` makes: the files that git tracks, without those that .comfyignore names."""
    if not (pack / ".git").exists():
        pytest.skip("not a git checkout: what is packed cannot be listed")
    folder = tmp_path_factory.mktemp("packed")
    with zipfile.ZipFile(folder / "node.zip", "w") as archive:
        for name in sorted(tracked(pack) - tracked(pack, "--cached", "--ignored", "--exclude-from=.comfyignore")):
            archive.write(pack / name, name)
    with zipfile.ZipFile(folder / "node.zip") as archive:
        archive.extractall(folder / FOLDER)
    return folder / FOLDER


def test_tests_are_left_out_and_the_golden_tensors_are_not(installed):
    assert not (installed / "tests" / "core").exists() and not (installed / ".github").exists()
    assert list((installed / "tests" / "parity" / "goldens").glob("*.safetensors"))


def test_the_packed_archive_runs_the_demo_and_its_self_test(packed_host, installed, pack, demo_graph, film):
    nodes = {name for name in packed_host.nodes() if name.startswith("Hallo2")}
    assert nodes == {page.stem for page in (pack / "js" / "docs").glob("Hallo2*.md")}
    assert packed_host.get_text(f"/extensions/{FOLDER}/hallo2.js")
    assert packed_host.get_text(f"/extensions/{FOLDER}/docs/Hallo2Jobs.md").startswith("# ")
    assert packed_host.get("/workflow_templates")[FOLDER]
    assert nodes == set(packed_host.get("/i18n")["zh"]["nodeDefs"])
    run = packed_host.run(demo_graph)
    assert run.status == "success", run.message
    (saved,) = packed_host.saved_files(run, "10")
    assert film(saved).frames.shape == (25, 128, 128, 3)
    tested = packed_host.run({"1": {"class_type": "Hallo2Selftest", "inputs": {"dtype": "fp32", "cases": "quick"}}})
    assert tested.status == "success", tested.message


def test_a_folder_name_with_a_space_is_reported_in_the_log(checkout, installed, another_host, tmp_path):
    """As a second download is unpacked. The host's routes fail on it, so only the log can say so."""
    spaced = installed.rename(installed.with_name("ComfyUI-Hallo2-main (1)"))
    try:
        with another_host(tmp_path, pack=spaced) as running:
            assert "has a space" in running.startup_log and "Rename the folder" in running.startup_log
    finally:
        spaced.rename(installed)


@pytest.fixture
def packed_host(checkout, installed, another_host, tmp_path):
    with another_host(tmp_path, pack=installed) as running:
        yield running
