"""Commands show what files say of themselves, and do nothing that it asks of a terminal."""

import json
import os

import av
import pytest

from hallo2_core.cli import main
from hallo2_core.jobs.journal import NAME

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"


@pytest.fixture
def hostile_video(tmp_path):
    """Whose record is somebody else's."""
    path = tmp_path / "theirs.mp4"
    record = {"made": f"{ESCAPE}a video", "settings": {ESCAPE: f"half \ud800 {ESCAPE}"}, "source": {"made": ESCAPE}}
    with av.open(str(path), "w", format="mp4", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["hallo2"] = json.dumps(record)
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    return path


def assert_harmless(text):
    assert text.strip() and not set(text) & set("\x1b\x07\u202e\ud800")


def test_the_record_of_a_video(hostile_video, capsys):
    for options in ([], ["--json"]):
        assert main(["inspect", str(hostile_video), "--metadata-only", *options]) == 0
        assert_harmless(capsys.readouterr().out)


def test_the_list_of_jobs(tmp_path, capsys):
    job = tmp_path / f"{ESCAPE}.mp4.hallo2"
    job.mkdir()
    key = {"request": {"work": "any"}, "arithmetic": {}, "what": f"{ESCAPE}a video", "frames": 32}
    journal = {"format": 2, "key": key, "clips": 0, "segments": [], "state": None, "video": None, "video_bytes": 0}
    (job / NAME).write_text(json.dumps(journal), encoding="utf-8")
    for options in ([], ["--json"]):
        assert main(["jobs", "--jobs", str(tmp_path), *options]) == 0
        seen = capsys.readouterr()
        assert_harmless(seen.out)
        assert_harmless(seen.err)


@pytest.mark.parametrize("arguments", [["inspect", f"{ESCAPE}.mp4"], ["animate", f"--{ESCAPE}"], [ESCAPE]])
def test_refusals(arguments, capsys):
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert_harmless(capsys.readouterr().err)


@pytest.mark.skipif(os.name == "nt", reason="no such file names")
def test_warnings_of_the_log(tmp_path, capfd):
    import torch

    from hallo2_core.cli.machine import TerminalRuntime

    TerminalRuntime(torch.device("cpu")).notify(f"{tmp_path / ESCAPE} goes on")
    assert_harmless(capfd.readouterr().err)
