"""The editor's own tests and lint, run from here so that one command runs everything."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
ESLINT = ROOT / "node_modules" / "eslint" / "bin" / "eslint.js"

needs_node = pytest.mark.skipif(NODE is None, reason="THE EDITOR'S MODULES ARE NOT TESTED: there is no node here")


def run(*command):
    done = subprocess.run([NODE, *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


@needs_node
def test_the_editors_modules():
    said = run("--test", *sorted(ROOT.glob("tests/js/*.test.mjs")))
    assert "pass" in said and "fail 0" in said


@needs_node
@pytest.mark.skipif(not ESLINT.exists(), reason="js/ is not linted: `make lint-js` brings eslint")
def test_lint():
    run(ESLINT, "js", "tests/js", "eslint.config.js")


def test_the_served_folder_holds_one_script_that_every_editor_loads():
    """Every .js below js/ is imported by every editor; .mjs only by whoever names it."""
    assert [path.relative_to(ROOT / "js").as_posix() for path in (ROOT / "js").rglob("*.js")] == ["hallo2.js"]
    for path in (ROOT / "js" / "timeline").glob("*.mjs"):
        assert "/scripts/" not in path.read_text(encoding="utf-8"), f"{path} imports the host; only hallo2.js does"
