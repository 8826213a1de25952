"""What a release says it is made of, and what is known about that."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hallo2_core import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import bill_of_materials

    return bill_of_materials


def declared_names():
    """In pyproject.toml's lists: Python 3.10 cannot parse it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = text[text.index("\ndependencies = [") : text.index("\n[project.scripts]")]
    return {canonicalize_name(Requirement(one).name) for one in re.findall(r'"([^"\n]+)"', lists)}


def test_the_bill_has_the_pack_its_weights_and_all_that_it_needs(tool):
    made = tool.bill(tool.installed(tool.declared(set())))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["metadata"]["component"]["version"] == __version__
    names = {part["name"] for part in made["components"]}
    assert {"torch", "numpy", "transformers", "huggingface-hub", "small_hallo2", "blazeface"} <= names
    assert "pytest" not in names and "onnxruntime" not in names
    for part in made["components"]:
        assert part["licenses"], part["name"]
        assert part["type"] == "library" or re.fullmatch("[0-9a-f]{64}", part["hashes"][0]["content"])
    refs = {part["bom-ref"] for part in (*made["components"], made["metadata"]["component"])}
    assert len(refs) == len(made["components"]) + 1
    for entry in made["dependencies"]:
        assert {entry["ref"], *entry["dependsOn"]} <= refs
    json.dumps(made)


def test_extras_add_theirs(tool):
    assert "onnxruntime" in tool.installed(tool.declared({"face"}))


RECORDS = {
    "introduced and fixed": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "2.0"}]}]},
    "from the first on": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.6"}]}]},
    "last affected": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "1.5"}]}]},
    "listed": {"versions": ["1.4", "1.5"]},
}
HARMLESS = {
    "fixed before": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}]},
    "later": {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.5.1"}]}]},
    "commits only": {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
    "others listed": {"versions": ["1.4"]},
}


@pytest.mark.parametrize(
    ("affected", "hits"),
    [(one, int(name in RECORDS)) for name, one in (RECORDS | HARMLESS).items()],
    ids=RECORDS | HARMLESS,
)
def test_a_record_affects_the_versions_that_it_names(tool, tmp_path, affected, hits):
    record = {"id": "X-1", "summary": "bad\nthing", "affected": [{"package": {"name": "Some.Package"}, **affected}]}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("X-1.json", json.dumps(record))
        archive.writestr("X-2.json", json.dumps({**record, "withdrawn": "2026-01-01"}))
    found = list(tool.known_vulnerabilities(tmp_path / "all.zip", {"some-package": "1.5", "other": "1.5"}))
    assert found == ["some-package 1.5  X-1  bad thing"] * hits


def test_the_page_of_licenses_lists_what_is_declared():
    page = (ROOT / "docs" / "licenses.md").read_text(encoding="utf-8")
    listed = {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)`", page, flags=re.MULTILINE)}
    assert listed == declared_names() | {"torch"}
