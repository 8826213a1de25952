"""The GPU report on a CPU: its small part runs, and failures and timeouts do not stop the rest."""

import gc
import json
import subprocess
import sys
import warnings
import weakref
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"
CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def tools_on_path():
    """As Python puts the folder of a script there."""
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def run_report(folder, *options):
    command = [sys.executable, str(TOOLS / "gpu_report.py"), "--out", str(folder), "--device", "cpu", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    report = json.loads((folder / "gpu_report.json").read_text(encoding="utf-8"))
    return done, {section["name"]: section for section in report["sections"]}


def test_every_kind_of_section_runs_on_a_processor_and_says_so(tmp_path):
    """From another folder, with nothing installed: all but the golden cases, which have tests of their own."""
    kinds = "attention,weights,step,clip,accelerate,syncs,kernels,release,vae,upscaler"
    done, sections = run_report(tmp_path, "--sections", kinds)
    assert done.returncode == 0, done.stderr
    assert {section["status"] for section in sections.values()} == {"ok"}, sections
    assert {name.split("-")[0] for name in sections} == set(kinds.split(","))

    step = sections["step-float32"]["figures"]
    assert step["median_ms"] > 0 and step["tflop"] > 0 and step["non_finite"] == 0
    assert sections["clip-float32"]["figures"]["frames"] == 16
    presets = sections["accelerate"]["figures"]["rows"]
    assert [(row["preset"], row["steps"]) for row in presets] == [("exact", 8), ("balanced", 4), ("fast", 2)]
    for name in ("kernels", "kernels-window-float32"):
        assert len(sections[name]["figures"]["longest"]) == 10
    sites = sections["attention"]["figures"]["sites"]
    assert {site["head_width"] for site in sites} == {40, 80, 160, 64, 512}
    assert {site["dtype"] for site in sites} == {"float16", "bfloat16"}
    assert all(site["taken"] in ("flash", "math") for site in sites)
    assert all(isinstance(site["backends"]["cudnn"], str) for site in sites)  # refused here, and why

    page = (tmp_path / "gpu_report.md").read_text(encoding="utf-8")
    assert page.strip() == done.stdout.strip()
    assert "No card here" in page and "## Longest kernels of a step" in page
    assert "## Longest kernels of a window, float32" in page


def test_a_card_named_without_its_number_is_the_first(tmp_path, monkeypatch):
    """`auto` gives such a device. Only the choice of the card is real here: the sections do not run."""
    import card.machine
    import card.sections
    import gpu_report

    import hallo2_core.cli.machine

    chosen = []

    def set_device(device):
        if isinstance(device, torch.device) and device.index is None:
            raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")
        chosen.append(device)

    monkeypatch.setattr(torch.cuda, "set_device", set_device)
    monkeypatch.setattr(card.machine, "describe_machine", lambda device: {"name": "a card", "packages": {}})
    monkeypatch.setattr(card.sections, "all_sections", lambda *_: iter(()))
    for name in ("cuda", "cuda:1"):
        monkeypatch.setattr(hallo2_core.cli.machine, "chosen_device", lambda _, name=name: torch.device(name))
        assert gpu_report.main(["--out", str(tmp_path)]) == 0
    assert chosen == [0, 1]


def test_nothing_holds_the_networks_once_they_are_released():
    from card.workload import Scale, Workload

    work = Workload(CPU, Scale.of(CPU))
    work.draw(torch.float32)
    unet = weakref.ref(work.step(torch.float32)[1])
    work.release()
    gc.collect()
    assert unet() is None


def test_what_does_not_fit_into_the_time_is_skipped_with_what_it_needs(tmp_path):
    done, sections = run_report(tmp_path, "--minutes", "0", "--sections", "vae,selftest")
    assert done.returncode == 0
    assert set(sections) == {"vae", "selftest-float32", "selftest-float16", "selftest-bfloat16"}
    assert all(section["status"] == "skipped" for section in sections.values())
    assert sections["vae"]["reason"] == "takes about 5 s, and 0 s are left"


def test_a_section_that_breaks_is_reported_and_the_others_run():
    from card.budget import Budget
    from card.report import Report
    from card.section import Section, run_sections

    def breaks():
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    sections = [
        Section("first", "First", breaks, lambda: 0),
        Section("second", "Second", lambda: {"seconds": 1.0}, lambda: 0),
    ]
    first, second = run_sections(sections, Budget(60), (), CPU)
    assert (first.status, first.reason) == ("failed", "OutOfMemoryError: CUDA out of memory.")
    assert (second.status, second.figures) == ("ok", {"seconds": 1.0})
    report = Report({"name": "a card", "packages": {}}, "")
    report.add(second)
    assert not report.has_failures
    report.add(first)
    assert report.has_failures and "| First | failed | 0 | OutOfMemoryError: CUDA out of memory. |" in report.markdown()


def test_a_failed_golden_case_is_a_failure():
    from card.report import Report
    from card.section import Result

    report = Report({"name": "a card", "packages": {}}, "")
    case = {"name": "image_proj", "max_abs": None, "rel": None, "status": "FAIL", "reason": "output is | odd"}
    figures = {"summary": "0 passed, 1 failed, 0 skipped", "passed": False, "cases": [case]}
    report.add(Result("selftest-float16", "Golden cases", "ok", figures=figures))
    assert report.has_failures
    assert "| image_proj | – | – | FAIL | output is \\| odd |" in report.markdown()


def test_an_infinite_difference_is_written_as_strict_json(tmp_path):
    from card.report import Report
    from card.section import Result

    report = Report({"name": "a card", "packages": {}}, "")
    case = {"name": "image_proj", "max_abs": float("inf"), "rel": None, "status": "FAIL", "reason": ""}
    report.add(Result("selftest-float16", "Golden cases", "ok", figures={"passed": False, "cases": [case]}))
    report.write(tmp_path)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    written = json.loads((tmp_path / "gpu_report.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert written["sections"][0]["figures"]["cases"][0]["max_abs"] == "inf"


def test_the_golden_cases_are_run_and_stop_when_the_time_is_up():
    from card.budget import Budget
    from card.sections import selftest

    from hallo2_core.selftest.run_cases import KINDS, LONG

    others = {kind: "not now" for kind in (*KINDS, LONG) if kind not in ("image_proj", "scheduler")}
    figures = selftest(CPU, torch.float32, others, Budget(60))
    assert figures["passed"] and [case["name"] for case in figures["cases"]] == ["image_proj", "scheduler40"]
    assert "then the time was up" in selftest(CPU, torch.float32, others, Budget(0))["summary"]


def test_waits_for_the_card_are_counted_by_the_line_of_the_pack_that_makes_them():
    """torch's warning, given by hand inside a function of the pack: only a card gives it by itself."""
    from card.measure import sync_warnings

    from hallo2_core.runtime import RuntimeWrapper

    class Waiting:
        device = CPU

        def check_cancelled(self):
            warnings.warn(
                "called a synchronizing CUDA operation (Triggered internally at …)", UserWarning, stacklevel=1
            )

    def call():
        for _ in range(3):
            RuntimeWrapper(Waiting()).check_cancelled()
        warnings.warn("something else", UserWarning, stacklevel=1)

    found = sync_warnings(call)
    assert found["count"] == 3
    ((place),) = found["places"]
    assert place["count"] == 3
    assert place["place"].startswith("hallo2_core/runtime.py:") and "(check_cancelled)" in place["place"]


def test_the_first_layer_that_gives_no_number_is_named():
    from card.measure import first_non_finite, odd_values

    network = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(2, 2), torch.nn.ReLU())
    with torch.no_grad():
        network[1].weight.fill_(float("inf"))
    assert first_non_finite(network, lambda: network(torch.ones(1, 2))) == "1"
    assert not network[1]._forward_hooks
    assert odd_values(torch.tensor([1.0, -3.0, float("nan")])) == {"non_finite": 1, "largest": 3.0}
