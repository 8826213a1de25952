"""The growing video of a render: it plays while the rest is made."""

import logging
import subprocess
import sys

import pytest
from small_render import FRAMES, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.jobs.job import Job


@pytest.fixture(scope="module")
def render():
    return a_render()


@pytest.fixture(scope="module")
def whole(render, tmp_path_factory):
    """The file's bytes, made in one go."""
    return make(render, tmp_path_factory.mktemp("whole")).path.read_bytes()


def test_while_it_is_made_another_process_plays_what_is_finished(render, whole, tmp_path):
    """With sound; also after a stop. Nothing of it is left in the end, and the file is the same."""
    growing = tmp_path / "a.mp4.hallo2" / "growing.mp4"
    played = []

    class Watching(RecordingRuntime):
        def watchable(self, video):
            if video != tmp_path / "a.mp4":
                assert video == growing
                played.append(played_elsewhere(video))

    with pytest.raises(PressedCancelError):
        make(render, tmp_path, Watching(cancel_after=4))
    assert [frames for frames, _ in played] == [4, 8]
    assert played_elsewhere(growing) == played[-1]
    played.clear()
    assert make(render, tmp_path, Watching()).path.read_bytes() == whole
    assert [frames for frames, _ in played] == [8, 12, 16, FRAMES]  # first what was finished before the stop
    for frames, seconds in played:
        assert seconds >= min(frames / 25, 0.71 - 3 * 1024 / 16000)  # the sound ends before the pictures
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"a.mp4", "journal.json"}


def played_elsewhere(video):
    """Decoded frames, and seconds of decoded sound."""
    program = """if True:
        import sys, av
        with av.open(sys.argv[1]) as file:
            frames = sum(1 for _ in file.decode(video=0))
        with av.open(sys.argv[1]) as file:
            print(frames, sum(frame.samples for frame in file.decode(audio=0)) / file.streams.audio[0].rate)
    """
    done = subprocess.run([sys.executable, "-c", program, str(video)], check=True, capture_output=True, text=True)
    frames, seconds = done.stdout.split()
    return int(frames), float(seconds)


def test_a_growing_video_that_cannot_be_written_stops_nothing(render, whole, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Job, "growing", tmp_path / "gone" / "growing.mp4")
    caplog.set_level(logging.WARNING, "hallo2")
    assert make(render, tmp_path).path.read_bytes() == whole
    assert len(caplog.messages) == 1 and "cannot be continued" in caplog.text
