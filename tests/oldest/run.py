"""The pack with the oldest packages it promises to work with, on Python 3.10.

    python3.10 tests/oldest/run.py                     # makes output/oldest-venv with pip, then runs everything
    python3.10 tests/oldest/run.py --python VENV/bin/python      # in an environment that is there already

Installs `versions.txt` and the requirements of the ComfyUI in COMFYUI_PATH (default ~/ComfyUI, v0.3.64). That Python
then runs the tests of whatever calls these packages, `hallo2 animate` on a second of the demo, and the demo graph in
that ComfyUI. Exit status 1 if a version is another one or anything fails. On Linux PyPI's torch is the CUDA build, 7 GB
installed; PIP_INDEX_URL or PIP_FIND_LINKS can name another one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
import wave
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = Path(__file__).parent / "versions.txt"
TEST_PACKAGES = ("pytest>=8", "pytest-timeout>=2.3", "hypothesis>=6", "soxr>=0.3")
# The tests of what calls transformers, PyAV, numpy or safetensors.
TESTS = (
    "audio", "checkpoints", "cli", "jobs", "models/test_wav2vec.py", "portrait", "selftest/test_audio_case.py",
    "storage", "timeline", "video",
)  # fmt: skip
# What needs something newer. The pack refuses lossless AV1 there and says why; loading takes a little more memory.
LEFT_OUT = (
    "tests/core/checkpoints/test_build.py::test_memory_to_load_is_the_weights_and_little_more",
    "tests/core/video/test_clips.py::test_lossless_clips_are_joined_without_losing_a_number[8-av1]",
    "tests/core/video/test_clips.py::test_lossless_clips_are_joined_without_losing_a_number[10-av1]",
    "tests/core/video/test_writer.py::test_colours_survive_and_are_tagged[0-8-av1]",
    "tests/core/video/test_writer.py::test_colours_survive_and_are_tagged[0-10-av1]",
    "tests/core/video/test_writer.py::test_lossless_keeps_every_number",
)
SECONDS = 1.0


def comfyui() -> Path:
    return Path(os.environ.get("COMFYUI_PATH", "~/ComfyUI")).expanduser()


def make_environment(folder: Path) -> Path:
    """Returns its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    hosts = comfyui() / "requirements.txt"
    requirements = ["-r", str(VERSIONS), *(["-r", str(hosts)] if hosts.is_file() else [])]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements, *TEST_PACKAGES], check=True)
    return python


def promised_versions() -> dict[str, str]:
    lines = (line.strip() for line in VERSIONS.read_text(encoding="utf-8").splitlines())
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def installed_versions(python: Path, names: list[str]) -> dict[str, str]:
    code = (
        "import json, sys; from importlib.metadata import version; "
        "print(json.dumps({name: version(name).split('+')[0] for name in sys.argv[1:]}))"
    )
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def short_voice(path: Path) -> None:
    with wave.open(str(ROOT / "hallo2_core" / "examples" / "voice.wav")) as voice, wave.open(str(path), "wb") as made:
        made.setparams(voice.getparams())
        made.writeframes(voice.readframes(int(SECONDS * voice.getframerate())))


def check(what: str, command: list[object], **environment: str) -> bool:
    print(f"== {what}", flush=True)
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment
    )
    print(f"== {what}: {'passed' if done.returncode == 0 else f'failed ({done.returncode})'}", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="of an environment that holds the versions; none is made")
    arguments = parser.parse_args()
    if arguments.python is None and sys.version_info[:2] != (3, 10):
        parser.error(f"this is Python {sys.version.split()[0]}; start it with 3.10, the oldest one promised")
    # Not resolved: the interpreter of a virtual environment is a link to another one.
    python = make_environment(ROOT / "output" / "oldest-venv") if arguments.python is None else arguments.python
    python = python.absolute()

    promised = promised_versions()
    installed = installed_versions(python, list(promised))
    print(json.dumps(installed))
    passed = [installed == promised]
    pytest = [python.with_name("pytest"), "-q", "-p", "no:cacheprovider"]
    left_out = [option for name in LEFT_OUT for option in ("--deselect", name)]
    passed.append(check("the core's tests", [*pytest, *(f"tests/core/{name}" for name in TESTS), *left_out]))
    with tempfile.TemporaryDirectory() as folder:
        short_voice(Path(folder) / "voice.wav")
        animate = [
            python, "-m", "hallo2_core", "animate", "--model", "demo", "--steps", "2", "--json",
            "--portrait", "hallo2_core/examples/portrait.png",
            "--audio", Path(folder) / "voice.wav", "--out", Path(folder) / "demo.mp4",
        ]  # fmt: skip
        passed.append(check("hallo2 animate", animate))
    graphs = [*pytest, "tests/host/test_graphs.py", "-k", "v0.3.64"]
    passed.append(check("the demo graph in ComfyUI v0.3.64", graphs, COMFYUI_PYTHON=str(python), REQUIRE_COMFYUI="1"))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
