"""Package metadata for installers."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_two_lists_of_requirements_are_one():
    listed = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = re.search(r"^dependencies = \[(.*?)\]", project, flags=re.DOTALL | re.MULTILINE).group(1)
    assert re.findall(r'"([^"]+)"', dependencies) == listed
