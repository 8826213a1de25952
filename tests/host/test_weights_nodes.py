"""Download Models and Doctor. The server is on this machine; the host may reach no other."""

import shutil

import pytest
from file_server import Behavior, serving


def run_node(host, name, interrupt_when=None, **inputs):
    return host.run({"1": {"class_type": name, "inputs": inputs}}, interrupt_when=interrupt_when)


def report_of(run):
    assert run.status == "success", run.message
    return run.outputs["1"]["text"][0]


@pytest.fixture(scope="module")
def face_file():
    """As large as the face recognizer, so that the download is one that takes a while."""
    return b"\x08\x06" + bytes(261_000_000)


def test_sizes_and_licenses_are_shown_and_nothing_is_asked_of_the_server(host):
    behavior = Behavior(b"")
    with serving(behavior) as address:
        report = report_of(
            run_node(host, "Hallo2DownloadModels", models="everything", accept_licenses=False, endpoint=address)
        )
    for part in ("net.pth  4.85 GB", "OpenRAIL-M", "glintr100.onnx", "6 files, 6.75 GB", "Turn on 'accept_licenses'"):
        assert part in report, report
    assert behavior.requests == [] and host.network_attempts() == []
    assert f"goes to {host.base / 'models' / 'vae'}" in report


@pytest.fixture
def face_folder(host):
    """Where face files are downloaded to; removed afterwards."""
    folder = host.base / "shared" / "face_analysis"
    yield folder
    shutil.rmtree(folder)


def test_a_cancel_keeps_what_arrived_and_the_next_run_says_why_it_stopped(host, face_file, face_folder):
    inputs = {"models": "identity", "accept_licenses": True}
    detector = face_folder / "scrfd_10g_bnkps.onnx"
    with serving(Behavior(face_file[:17_000_000], cuts=[5_000_000])) as address:
        refused = run_node(host, "Hallo2DownloadModels", **inputs, endpoint=address)
    assert refused.status == "error" and "glintr100.onnx has about 261,000,000" in refused.message
    assert detector.stat().st_size == 17_000_000  # the first of the two, continued after the cut

    def has_begun(message):
        return message["type"] == "progress" and message["data"]["value"] > 2**20

    with serving(Behavior(face_file, stalls_after=200_000_000)) as address:
        stopped = run_node(host, "Hallo2DownloadModels", has_begun, **inputs, endpoint=address)
    assert stopped.status == "interrupted"
    (part,) = detector.parent.glob("glintr100.onnx.download/*.part")
    assert 2**20 < part.stat().st_size < len(face_file) and not detector.with_name("glintr100.onnx").exists()

    behavior = Behavior(face_file)
    kept = part.stat().st_size
    with serving(behavior) as address:
        report = report_of(run_node(host, "Hallo2DownloadModels", **inputs, endpoint=address))
    assert behavior.ranges == [f"bytes={kept}-"] and "Press R" in report and "not verified" in report
    assert detector.with_name("glintr100.onnx").read_bytes() == face_file and not part.parent.exists()

    doctor = report_of(run_node(host, "Hallo2Doctor"))
    assert f"ok      weights  found     {detector}" in doctor and host.checkout.version in doctor


def test_the_doctor_lists_what_is_missing_and_what_to_do(host):
    report = report_of(run_node(host, "Hallo2Doctor"))
    findings, _, steps = report.partition("\nNext:\n")
    assert "problem weights  missing   hallo2/net.pth" in findings and "ok      comfyui" in findings
    assert "'Download Models (Hallo2)'" in steps and steps.startswith("1. ")
