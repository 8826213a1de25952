"""Short versions of the upscaling soaks for `-m slow`, and the largest size, checked with another program."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from faces_on_script import moving_portrait

from hallo2_core.cli import main
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

HERE = Path(__file__).parent


def soak(name, *arguments):
    command = [sys.executable, str(HERE / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_killed_twice(codec):
    assert "2 kills of" in soak("kill_upscale.py", "--kills", "2", "--codec", codec)


@pytest.mark.slow
def test_every_kind_of_video():
    assert soak("upscale_clips.py", "--long", "400").endswith("all right\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed here")
@pytest.mark.parametrize(("codec", "name"), [("auto", "hevc"), ("av1", "av1")])
def test_48_frames_at_4096x4096(codec, name, tmp_path, capsys):
    source = tmp_path / "in.mp4"
    with VideoWriter(source, 512, 512, Fraction(25), VideoSettings(preset="ultrafast")) as writer:
        for frame in moving_portrait(48, 512):
            writer.write(frame[None])
    out = tmp_path / "out.mp4"
    given = ["upscale", "--video", str(source), "--out", str(out), "--long-side", "4096", "--codec", codec, "--json"]
    assert main(given) == 0
    made = json.loads(capsys.readouterr().out)
    with capsys.disabled():
        print(f"\n{codec}: {made['frames']} frames, {made['wall_s']:.0f} s, peak {made['peak_rss_mb']:.0f} MB")
    told = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(out)]
    (stream,) = json.loads(subprocess.run(told, capture_output=True, check=True).stdout)["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == (name, 4096, 4096)
    assert stream["nb_read_frames"] == "48"
