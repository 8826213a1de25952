"""What is refused before any work, with nothing left behind."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from small_render import FakeEncoder, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation import estimate as estimation
from hallo2_core.config import Wav2VecConfig
from hallo2_core.errors import CheckpointError, JobError, SettingsError, VideoError
from hallo2_core.runtime import DeviceMemory


@pytest.fixture(scope="module")
def render():
    return a_render()


def test_another_video_in_the_same_folder_is_refused_before_any_work(render, tmp_path):
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, RecordingRuntime(cancel_after=5))
    runtime = RecordingRuntime()
    with pytest.raises(JobError, match="holds 8 finished frames of a video, made from other inputs"):
        make(render, tmp_path, runtime, key="another")
    assert not runtime.reports and make(render, tmp_path).resumed_from_clip == 2


def test_a_name_that_is_taken_is_refused_before_any_work(render, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"mine")
    runtime = RecordingRuntime()
    with pytest.raises(VideoError, match="exists already and is not overwritten"):
        make(render, tmp_path, runtime)
    assert not runtime.reports and [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_disk_that_is_too_small_is_refused_before_any_work(render, tmp_path, monkeypatch):
    monkeypatch.setattr(estimation.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    runtime = RecordingRuntime()
    with pytest.raises(JobError, match="has 0 MB free"):
        make(render, tmp_path, runtime)
    assert not runtime.reports and not list(tmp_path.iterdir())


def test_a_device_that_is_too_small_is_refused_before_any_work(render, tmp_path):
    class SmallRuntime(RecordingRuntime):
        def memory(self):
            return DeviceMemory(1 << 20, "one layer")

    runtime = SmallRuntime()
    with pytest.raises(SettingsError, match="the device has 0.0 GiB"):
        make(render, tmp_path, runtime)
    assert not runtime.reports and not list(tmp_path.iterdir())


def test_parts_that_do_not_fit_are_refused_before_a_folder_is_made(render, tmp_path):
    other = replace(render.speech, encoder=FakeEncoder(Wav2VecConfig()))
    with pytest.raises(CheckpointError, match="12 layers of width 768"):
        make(replace(render, speech=other), tmp_path)
    assert not list(tmp_path.iterdir())
