from pathlib import Path

import torch

from hallo2_core.doctor import software
from hallo2_core.doctor.finding import State
from hallo2_core.doctor.software import NEEDED, software_findings

ROOT = Path(__file__).parents[3]


def test_the_bounds_are_those_of_the_requirements():
    listed = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert [f"{name}>={oldest}" if oldest else name for name, oldest in NEEDED.items()] == listed


def test_this_environment_has_no_problem():
    findings = list(software_findings())
    assert all(finding.state is State.GOOD for finding in findings)
    assert any(torch.__version__ in finding.text for finding in findings)


def test_old_and_missing_packages_are_named(monkeypatch):
    versions = {name: "99.0" for name in NEEDED} | {"av": "14.1.9", "einops": "", "transformers": "4.37.2.dev0+cpu"}
    monkeypatch.setattr(software, "installed_version", versions.get)
    (problem,) = [finding for finding in software_findings() if finding.state is State.PROBLEM]
    assert problem.text == "einops is missing; av 14.1.9 is older than 14.2.0"
    assert "-m pip install -r requirements.txt" in problem.remedy
