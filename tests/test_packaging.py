"""Package metadata for installers."""

import re
from pathlib import Path

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
