"""Installing the pack changes no package of a user's ComfyUI."""

import json
import re
import subprocess
import sys

DISTRIBUTION = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
NAMES_WITHOUT_A_BOUND = {"pillow": "10.0", "einops": "0.6", "psutil": "5.9", "tqdm": "4.66"}


def would_install(python, requirements, **environment):
    command = [python, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", "-r", requirements]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment or None)
    assert done.returncode == 0, done.stderr
    return [entry["metadata"]["name"] for entry in json.loads(done.stdout)["install"]]


def test_nothing_is_installed_into_the_hosts_environment(checkout, pack):
    assert would_install(checkout.python, pack / "requirements.txt") == []


def test_nothing_is_installed_beside_the_oldest_hosts_lower_bounds(checkout, pack, tmp_path):
    """An environment that says it holds exactly the lower bounds of this host's requirements."""
    asked = (checkout.path / "requirements.txt").read_text(encoding="utf-8")
    bounds = dict(re.findall(r"^([\w-]+)>=([\w.]+)", asked, flags=re.MULTILINE))
    for name, version in (NAMES_WITHOUT_A_BOUND | bounds).items():
        folder = tmp_path / f"{name.lower().replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(DISTRIBUTION.format(name=name, version=version), encoding="utf-8")
        (folder / "RECORD").touch()
    assert {"av", "transformers", "numpy", "safetensors"} <= set(bounds)
    assert would_install(sys.executable, pack / "requirements.txt", PYTHONPATH=str(tmp_path)) == []
