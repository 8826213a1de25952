"""Package metadata for installers."""

import re
from pathlib import Path

import pytest
from PIL import Image

import hallo2_core

ROOT = Path(__file__).parents[1]


def test_the_two_lists_of_requirements_are_one():
    listed = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = re.search(r"^dependencies = \[(.*?)\]", project, flags=re.DOTALL | re.MULTILINE).group(1)
    assert re.findall(r'"([^"]+)"', dependencies) == listed


def test_every_folder_of_the_package_is_in_the_wheel():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = re.search(r"^packages = \[(.*?)\]", project, flags=re.DOTALL | re.MULTILINE).group(1)
    listed = set(re.findall(r'"([^"]+)"', packages)) - {"hallo2_core.selftest.goldens"}  # from tests/parity
    files = (path for path in (ROOT / "hallo2_core").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {".".join(path.parent.relative_to(ROOT).parts) for path in files} == listed


def project():
    """pyproject.toml as the registry's tools read it: values of single lines."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(re.findall(r'^"?([\w -]+)"? = "([^"]*)"', text, flags=re.MULTILINE))


def test_the_registry_gets_every_field_of_its_specification():
    fields = project()
    assert "comfy" not in fields["name"].lower()
    assert {"PublisherId", "DisplayName", "Repository", "Documentation", "Bug Tracker", "description"} <= set(fields)
    assert re.fullmatch(r">=\d+\.\d+\.\d+", fields["requires-comfyui"])


@pytest.mark.parametrize(("field", "ratio"), [("Icon", 1), ("Banner", 21 / 9)])
def test_the_registrys_pictures_are_in_the_repository_and_of_the_right_shape(field, ratio):
    url = project()[field]
    place = url.split("/ComfyUI-Hallo2/main/")[1]
    with Image.open(ROOT / place) as picture:
        width, height = picture.size
    assert abs(width / height - ratio) < 0.01 and (field != "Icon" or width <= 400)


def test_the_version_is_the_same_everywhere():
    assert project()["version"] == hallo2_core.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changelog, flags=re.MULTILINE).group(1) == hallo2_core.__version__


def test_workflows_name_the_pack_as_the_registry_knows_it():
    """By this id, managers offer to install the pack to those who open the workflow without it."""
    for path in [*(ROOT / "workflows").glob("*.json"), *(ROOT / "subgraphs").glob("*.json")]:
        ids = set(re.findall(r'"cnr_id": "([^"]+)"', path.read_text(encoding="utf-8")))
        assert ids <= {"comfy-core", project()["name"]} and project()["name"] in ids, path.name
