"""Errors that name a missing package."""

import ast
import sys
from pathlib import Path

import pytest

from hallo2_core.errors import MissingDependencyError

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]


def test_the_message_has_the_need_the_cause_the_command_and_the_alternative():
    error = MissingDependencyError.of_extra("Singing", "larynx", "voice", ImportError("no larynx"), "hum")
    assert str(error) == (
        f"Singing needs the package larynx, which cannot be imported here (no larynx). "
        f"Run: \"{sys.executable}\" -m pip install larynx (the extra 'voice' has it), or hum."
    )


def test_the_extras_that_errors_name_list_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [
        (call.args[1].value, call.args[2].value)
        for path in (ROOT / "hallo2_core").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "MissingDependencyError.of_extra"
        if isinstance(call.args[2], ast.Constant)  # `open_session` hands on the one it is given
    ]
    assert named
    assert [one for one in named if not any(line.startswith(one[0]) for line in extras[one[1]])] == []
