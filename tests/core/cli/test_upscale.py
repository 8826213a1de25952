"""`hallo2 upscale`, as a user types it."""

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from hallo2_core.cli import main
from hallo2_core.portrait.picture import load_picture
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

MEDIA = Path(__file__).parents[2] / "media"
SMALL = VideoSettings(quality=10, preset="ultrafast")


class Tone:
    rate_hz, channels = 16000, 1

    def __init__(self, seconds):
        self.samples = int(seconds * self.rate_hz)

    def read(self, start, stop):
        return 0.3 * torch.sin(torch.arange(start, stop) / 5.0)[None]

    def fingerprint(self):
        return "tone"


def video(path, frames, audio=None):
    with VideoWriter(path, frames.shape[2], frames.shape[1], Fraction(25), SMALL, audio) as writer:
        writer.write(frames)
    return path


def blank(count, height=32, width=48):
    return (torch.arange(count) * 2 % 256).to(torch.uint8)[:, None, None, None].expand(-1, height, width, 3)


@pytest.fixture
def clip(tmp_path):
    """Three frames without a face, with sound."""
    return video(tmp_path / "clip.mp4", blank(3), Tone(3 / 25))


def upscaled(capsys, *arguments):
    status = main(["upscale", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def packets(path, kind):
    with av.open(str(path)) as opened:
        stream = getattr(opened.streams, kind)[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in opened.demux(stream) if packet.size]


def test_what_is_told_is_what_is_made_and_the_sound_is_the_sources(clip, tmp_path, capsys):
    out = tmp_path / "large.mp4"
    status = main(["upscale", "--video", str(clip), "--out", str(out), "--json"])
    heard = capsys.readouterr()
    told = json.loads(heard.out)
    assert status == 0 and "note: 48x32 to 96x64: each finished frame takes 0 MB. Beside" in heard.err
    assert told.keys() == {
        "out", "frames", "fps", "seconds", "width", "height", "resumed_from_clip", "wall_s", "peak_rss_mb"
    }  # fmt: skip
    assert (told["out"], told["frames"], told["width"], told["height"]) == (str(out), 3, 96, 64)
    assert (told["fps"], told["seconds"], told["resumed_from_clip"]) == (25.0, pytest.approx(0.12), 0)
    seen = probe(out)
    assert (seen.frames, seen.width, seen.height, seen.codec) == (3, 96, 64, "h264")
    assert packets(out, "audio") == packets(clip, "audio")
    assert [path.name for path in (tmp_path / "large.mp4.hallo2").iterdir()] == ["journal.json"]


def test_a_finished_video_is_not_made_again_and_fresh_takes_a_new_name(clip, tmp_path, capsys):
    given = ["--video", clip, "--out", tmp_path / "large.mp4"]
    upscaled(capsys, *given)
    status, told = upscaled(capsys, *given)
    assert (status, told["resumed_from_clip"], told["out"]) == (0, 1, str(tmp_path / "large.mp4"))
    status, told = upscaled(capsys, *given, "--fresh")
    assert (status, told["resumed_from_clip"], told["out"]) == (0, 0, str(tmp_path / "large-2.mp4"))


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (["--scale", "1.5"], (72, 48)),
        (["--long-side", "100"], (100, 68)),
        (["--face-only"], (48, 32)),
        (["--face-only", "--scale", "2"], (96, 64)),
    ],
)
def test_sizes(given, size, clip, tmp_path, capsys):
    status, told = upscaled(capsys, "--video", clip, "--out", tmp_path / "o.mp4", *given)
    assert status == 0 and (told["width"], told["height"]) == size


def test_faces_are_drawn_anew_and_all_else_stays_as_it_is(tmp_path, capsys):
    """Two faces: the demo's random weights change them beyond recognition, and nothing else."""
    picture = (load_picture(MEDIA / "two_faces.png") * 255).round().to(torch.uint8)
    height, width = (side - side % 2 for side in picture.shape[:2])
    source = video(tmp_path / "two.mp4", picture[None, :height, :width].expand(2, -1, -1, -1))
    given = ["--video", source, "--out", tmp_path / "o.mp4", "--face-only", "--fidelity", "0", "--quality", "0"]
    status, told = upscaled(capsys, *given)
    assert status == 0 and told["frames"] == 2
    before, after = next(read_frames(source)).float(), next(read_frames(tmp_path / "o.mp4")).float()
    changed = ((after - before).abs().mean(dim=-1) > 12).float().mean(dim=0)  # of each column
    halves = changed.chunk(2)
    assert all(float(half.max()) > 0.1 for half in halves)
    assert float((changed > 0.02).float().mean()) < 0.9


def test_what_h264_cannot_show_becomes_h265(tmp_path, capsys):
    source = video(tmp_path / "square.mp4", blank(1, 64, 64))
    given = ["--video", source, "--long-side", 4096, "--bit-depth", 8, "--quality", 40]
    status, told = upscaled(capsys, *given, "--out", tmp_path / "o.mp4")
    assert status == 0 and probe(tmp_path / "o.mp4").codec == "hevc"
    assert (told["width"], told["height"], told["frames"]) == (4096, 4096, 1)


def test_av1_in_10_bits(clip, tmp_path, capfd):
    out = tmp_path / "o.mp4"
    status = main(["upscale", "--video", str(clip), "--out", str(out), "--codec", "av1", "--bit-depth", "10"])
    seen = probe(out)
    assert (status, seen.frames, seen.pixel_format) == (0, 3, "yuv420p10le") and seen.codec == "av1"
    assert packets(out, "audio") == packets(clip, "audio")
    assert "Svt" not in capfd.readouterr().err


def test_killed_and_run_again_it_is_the_same_video(tmp_path, capsys):
    source = video(tmp_path / "long.mp4", blank(96), Tone(96 / 25))
    given = ["--video", str(source), "--out", str(tmp_path / "o.mp4"), "--scale", "4"]
    journal = tmp_path / "o.mp4.hallo2" / "journal.json"
    run = subprocess.Popen([sys.executable, "-m", "hallo2_core", "upscale", *given], stderr=subprocess.DEVNULL)
    while run.poll() is None and not journal.exists():
        time.sleep(0.01)
    run.kill()
    assert run.wait() == -signal.SIGKILL and not (tmp_path / "o.mp4").exists()
    status, told = upscaled(capsys, *given)
    assert status == 0 and told["resumed_from_clip"] >= 1 and told["frames"] == 96
    upscaled(capsys, *given[:2], "--out", tmp_path / "whole.mp4", *given[4:])
    for kind in ("video", "audio"):
        assert packets(tmp_path / "o.mp4", kind) == packets(tmp_path / "whole.mp4", kind)


def test_a_damaged_video_is_refused_by_strict_before_anything_is_written(tmp_path, capsys):
    whole = video(tmp_path / "whole.mp4", blank(60)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(0.9 * len(whole))])
    assert (
        main(["upscale", "--video", str(tmp_path / "cut.mp4"), "--out", str(tmp_path / "large.mp4"), "--strict"]) == 2
    )
    assert "cut.mp4 is damaged" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.mp4", "whole.mp4"]
