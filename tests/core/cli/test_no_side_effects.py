"""What Python's audit events say of a whole render: no network, no other program, no code from files, and nothing
written outside the video's folder."""

import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "hallo2_core" / "examples"
# Arguments: a file for the findings, the folder that may be written, two commands.
RENDER = """
import os, sys
from audit_hook import Watch  # before anything else is imported
report, folder, *commands = sys.argv[1:]
watch = Watch(folder)
import json
from hallo2_core.cli import main
status = [main(json.loads(command)) for command in commands]
done = json.dumps([status, watch.seen])
os.write(os.open(report, os.O_WRONLY | os.O_CREAT), done.encode())
"""


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "short.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(whole.getframerate() // 5))
    return path


def run(folder, *commands):
    """(exit status of each command, what the audit hook objects to)"""
    made = folder / "made"
    (made / "temporary").mkdir(parents=True)
    texts = [json.dumps([str(part) for part in command]) for command in commands]
    script = [sys.executable, "-B", "-c", RENDER, str(folder / "report.json"), str(made.resolve()), *texts]
    # torch hands its compiler's cache folder on to other programs, and then makes it.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")}
    path = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
    environment = inherited | {"TMPDIR": str(made / "temporary"), "PYTHONPATH": path}
    done = subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_a_video_is_made_and_upscaled_within_its_folder(voice, tmp_path):
    small, large = tmp_path / "made" / "small.mp4", tmp_path / "made" / "large.mp4"
    status, seen = run(
        tmp_path,
        ["animate", "--portrait", EXAMPLES / "portrait.png", "--audio", voice, "--out", small,
         "--size", "64x64", "--steps", "1", "--text", "0- happy"],
        ["upscale", "--video", small, "--out", large],
    )  # fmt: skip
    assert status == [0, 0] and small.is_file() and large.is_file()
    assert seen == [], json.dumps(seen, indent=1)


def test_the_hook_sees_what_it_is_for(voice, tmp_path):
    elsewhere = tmp_path / "elsewhere.safetensors"
    status, seen = run(tmp_path, ["new-adapter", elsewhere, "--model", "demo"])
    assert status == [0] and {event for event, _what in seen} & {"open", "os.rename"}
