"""The editor's own tests and lint, run from here so that one command runs everything."""

import re
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


def test_every_editor_loads_one_file_and_that_one_names_the_others():
    """Every .js below js/ is imported by every editor; browsers may keep for days what hallo2.js does not name."""
    served = ROOT / "js"
    assert [path.relative_to(served).as_posix() for path in served.rglob("*.js")] == ["hallo2.js"]
    named = re.search(r"const MODULES =(.*?);", (served / "hallo2.js").read_text(encoding="utf-8"), re.DOTALL).group(1)
    modules = sorted((served / "timeline").glob("*.mjs"))
    assert re.findall(r"\w+", named) == [path.stem for path in modules]
    for path in served.rglob("*.mjs"):
        assert "/scripts/" not in path.read_text(encoding="utf-8"), f"{path} imports the host; only hallo2.js does"
