import logging
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from faces_on_script import ScriptedFaces, face_at
from seeded_models import seeded_upscaler
from small_upscale import FAST, SETTINGS, greys, levels, packets, upscaled, video_file
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation import eta
from hallo2_core.errors import JobError, MemoryShortageError, SettingsError, VideoError
from hallo2_core.jobs.key import different_parts
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling import job_key
from hallo2_core.upscaling import render as rendering
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import memory_needed
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings


@pytest.fixture(scope="module")
def upscaler():
    return seeded_upscaler()


@pytest.fixture
def faces():
    return ScriptedFaces(lambda frame: [face_at(24, 12, 4.0 + frame / 40)] if frame % 52 < 44 else [])


@pytest.mark.parametrize("dies_after", [3, 17, 36, 47])
def test_stopped_and_gone_on_with_it_is_the_same_video(dies_after, tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(48), sound="aac")
    (tmp_path / "whole").mkdir()
    whole = upscaled(source, tmp_path / "whole", upscaler, faces=faces)
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, RecordingRuntime(cancel_after=dies_after), faces=faces)
    assert not (tmp_path / "out.mp4").exists()
    runtime = RecordingRuntime()
    made = upscaled(source, tmp_path, upscaler, runtime, faces=faces)
    assert made.resumed_from_clip == dies_after // 16 and runtime.reports[0] == (dies_after // 16 * 16 + 1, 48)
    assert packets(made.path, "video") == packets(whole.path, "video")
    assert packets(made.path) == packets(whole.path)


def test_the_time_left_is_said_and_after_a_stop_what_is_kept(tmp_path, upscaler, monkeypatch):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    monkeypatch.setattr(eta, "MEASURED_SECONDS", 0.0)
    source, told = video_file(tmp_path / "in.mp4", greys(48)), []
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, TalkingRuntime(cancel_after=20))
    assert told == ["", "Stopped: 1 of 3 clips are kept. Run the same again to continue."]
    told.clear()
    (tmp_path / "again").mkdir()
    upscaled(source, tmp_path / "again", upscaler, TalkingRuntime())
    before, going, after = told
    assert re.fullmatch(r"Clip 3 of 3, about \d+ s to go\. 48 frames of 96x64", going) and before == after == ""


def test_stopped_while_the_file_is_put_together_no_frame_is_made_again(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(19))
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, RecordingRuntime(cancel_after=19))
    runtime = RecordingRuntime()
    made = upscaled(source, tmp_path, upscaler, runtime)
    assert made.frames == 19 and made.resumed_from_clip == 2 and not runtime.reports


def test_a_finished_one_returns_at_once_and_a_changed_one_is_refused(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(3))
    upscaled(source, tmp_path, upscaler)
    runtime = RecordingRuntime()
    assert upscaled(source, tmp_path, upscaler, runtime).frames == 3 and not runtime.reports
    with pytest.raises(JobError, match="other settings"):
        upscaled(source, tmp_path, upscaler, settings=replace(SETTINGS, width_px=98))


def test_the_key_is_the_files_content_and_every_setting(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(3))
    (tmp_path / "other.mp4").write_bytes(source.read_bytes())
    upscale = Upscale(source, upscaler, None, SETTINGS, FAST)
    key = upscale_key(upscale, LocalRuntime())
    assert key == upscale_key(replace(upscale, source=tmp_path / "other.mp4"), LocalRuntime()) and key.frames == 3
    (tmp_path / "other.mp4").write_bytes(source.read_bytes() + b"\0")
    changes = [
        {"source": tmp_path / "other.mp4"},
        {"faces": faces},
        {"settings": replace(SETTINGS, width_px=SETTINGS.width_px + 2)},
        {"settings": replace(SETTINGS, height_px=SETTINGS.height_px + 2)},
        {"video_settings": VideoSettings()},
        {"background_name": "another"},
    ]
    assert key.name not in {upscale_key(replace(upscale, **change), LocalRuntime()).name for change in changes}


OF_FACES = {
    "fidelity": 0.25, "window_frames": 17, "overlap_frames": 3, "missed_frames": 3, "smoothing_frames": 1.0,
    "detect_every_frames": 3,
}  # fmt: skip


def test_what_is_done_to_faces_counts_where_faces_are_looked_for(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(3))
    assert {field.name for field in fields(SETTINGS)} == {"width_px", "height_px", *OF_FACES}
    changes = [{"settings": replace(SETTINGS, **{name: value})} for name, value in OF_FACES.items()]
    changes.append({"upscaler": replace(upscaler, fingerprint="another")})
    for finder, counts in ((None, False), (faces, True)):
        upscale = Upscale(source, upscaler, finder, SETTINGS, FAST)
        name = upscale_key(upscale, LocalRuntime()).name
        for change in changes:
            assert (upscale_key(replace(upscale, **change), LocalRuntime()).name != name) == counts, change


def test_the_arithmetic_is_apart_from_what_was_asked_for(tmp_path, upscaler, monkeypatch):
    upscale = Upscale(video_file(tmp_path / "in.mp4", greys(3)), upscaler, None, SETTINGS, FAST)
    before = upscale_key(upscale, LocalRuntime())
    monkeypatch.setattr(torch, "__version__", "another")
    monkeypatch.setattr(job_key, "UPSCALING_ARITHMETIC", 99)
    now = upscale_key(upscale, LocalRuntime())
    assert now.request == before.request
    assert different_parts(before.arithmetic, now.arithmetic) == ["ARITHMETIC", "torch"]
    assert before.arithmetic["dtype"] == "float32" and before.arithmetic["attention"] == "sdpa"


def test_what_no_player_shows_and_what_is_no_video_is_refused_before_anything_is_written(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(3, 32, 32))
    with pytest.raises(SettingsError, match="4096x4096 at 25 .* Choose the codec h265 or av1"):
        upscaled(source, tmp_path, upscaler, settings=UpscaleSettings(4096, 4096))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        upscaled(tmp_path / "broken.mp4", tmp_path, upscaler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "in.mp4"]


def test_memory_is_said_before_the_start(tmp_path, upscaler, caplog):
    source = video_file(tmp_path / "in.mp4", greys(3))
    with caplog.at_level(logging.INFO, "hallo2"):
        upscaled(source, tmp_path, upscaler)
    assert "48x32 to 96x64" in caplog.text
    large = Upscale(source, upscaler, None, UpscaleSettings(4096, 4096), FAST)
    said = memory_needed(probe(source), replace(large, video_settings=VideoSettings("h265")))
    assert "each finished frame takes 201 MB" in said and "2206 MB of main memory" in said
    assert "level 6 of h265" in said


def test_pixels_that_nothing_was_done_to_come_out_as_they_were(tmp_path, upscaler):
    pictures = [torch.randint(0, 256, (32, 48, 3), dtype=torch.uint8).numpy() for _ in range(2)]
    lossless = VideoSettings(quality=0, preset="ultrafast")
    source = video_file(tmp_path / "in.mp4", greys(2) + pictures, pixel_format="yuv420p")
    same_size = UpscaleSettings(48, 32)
    first = upscaled(source, tmp_path, upscaler, settings=same_size, video_settings=lossless)
    for given, made in zip(list(read_frames(source))[:2], read_frames(first.path), strict=False):
        assert (given.int() - made.int()).abs().max() <= 1


class ShortRestorer(torch.nn.Module):
    """The given one, which runs out of memory from some call on."""

    def __init__(self, restorer, call):
        super().__init__()
        self.restorer, self.config, self.left = restorer, restorer.config, call - 1

    def encode(self, *arguments, **options):
        return self.restorer.encode(*arguments, **options)

    def restore(self, *arguments, **options):
        self.left -= 1
        if self.left < 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.restorer.restore(*arguments, **options)


def test_out_of_memory_twice_it_stops_with_the_job_kept_and_goes_on_later(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(40), sound="aac")
    (tmp_path / "whole").mkdir()
    whole = upscaled(source, tmp_path / "whole", upscaler, faces=faces)
    short = replace(upscaler, restorer=ShortRestorer(upscaler.restorer, 6))
    with pytest.raises(MemoryShortageError, match="Choose a smaller window"):
        upscaled(source, tmp_path, short, faces=faces)
    made = upscaled(source, tmp_path, upscaler, faces=faces)
    assert made.resumed_from_clip == 1 and packets(made.path, "video") == packets(whole.path, "video")


def test_a_frame_that_cannot_be_converted_for_lack_of_memory_is_converted_again(tmp_path, upscaler, monkeypatch):
    source, asked = video_file(tmp_path / "in.mp4", greys(5)), []

    def convert(frame, bit_depth, call=rendering.to_planes):
        asked.append(1)
        if len(asked) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return call(frame, bit_depth)

    monkeypatch.setattr(rendering, "to_planes", convert)
    made = upscaled(source, tmp_path, upscaler)
    assert made.frames == 5 and len(asked) == 6 and np.abs(np.array(levels(made.path)) - 4 * np.arange(5)).max() <= 1
