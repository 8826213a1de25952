import errno
import os
import re
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny
import torch
from small_render import CLIPS, FRAMES, FakeEncoder, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime, RoomyRuntime
from video_on_script import decoded_sound, lag_samples

from hallo2_core.animation import animate as animation
from hallo2_core.animation import estimate as estimation
from hallo2_core.animation import render as rendering
from hallo2_core.animation.render import render_video
from hallo2_core.animation.steady import SteadyConfig
from hallo2_core.config import UsualSettings, Wav2VecConfig
from hallo2_core.errors import CheckpointError, JobError, SettingsError, VideoError
from hallo2_core.jobs import job as jobs
from hallo2_core.jobs.job import Job
from hallo2_core.runtime import DeviceMemory
from hallo2_core.video.reader import probe, read_frames


@pytest.fixture(autouse=True)
def fake_windows(monkeypatch):
    monkeypatch.setattr(jobs, "CLIPS_PER_SEGMENT", 2)


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


FINISHED = {"a.mp4", "a.mp4.hallo2/journal.json"}


@pytest.fixture(scope="module")
def render():
    return a_render()


@pytest.fixture(scope="module")
def whole(render, tmp_path_factory):
    """The file's bytes, made in one go."""
    folder = tmp_path_factory.mktemp("whole")
    video = make(render, folder)
    assert video.resumed_from_clip == 0 and names(folder) == FINISHED
    return video.path.read_bytes()


def test_the_video_has_every_frame_and_its_sound(render, tmp_path):
    video = make(render, tmp_path)
    assert (video.path, video.frames, video.width, video.height) == (tmp_path / "a.mp4", FRAMES, 64, 64)
    assert video.seconds == FRAMES / 25 and probe(video.path).frames == FRAMES
    given = render.speech.audio.waveform[0].numpy()
    heard, rate = decoded_sound(video.path)
    assert rate == 16000 and abs(lag_samples(given, heard[0])) <= 80
    runtime = RecordingRuntime()
    clips = animation.animate(render.inputs, render.speech, render.codec, runtime)
    made = [frame for clip in clips for frame in clip.frames]
    for frame, shown in zip(made, read_frames(video.path), strict=True):
        assert (frame - shown.float() / 255).abs().mean() < 0.05


@pytest.mark.parametrize(
    ("legacy", "levels", "cancelled_after"),
    [(False, 0.0, (1, 3, 6)), (True, 0.0, (4,)), (False, 6.0, (1, 4))],
    ids=["ours", "legacy", "steady"],
)
def test_cancelled_at_any_step_it_goes_on_with_the_same_bits(tmp_path, legacy, levels, cancelled_after):
    """The real networks. Two reports of progress a clip: its step, its decoding."""
    render = replace(a_render(tiny.shared_models(), legacy_rng=legacy), steady=SteadyConfig(levels))
    expected = make(render, tmp_path / "whole").path.read_bytes()
    for heard in cancelled_after:
        folder = tmp_path / str(heard)
        with pytest.raises(PressedCancelError):
            make(render, folder, RecordingRuntime(cancel_after=heard))
        finished = heard // 2
        assert folder.exists() and (folder / "a.mp4.hallo2").exists() == bool(finished)
        video = make(render, folder)
        assert video.resumed_from_clip == finished and video.path.read_bytes() == expected
        assert names(folder) == FINISHED


def test_shimmer_is_held_back_in_the_file(render, tmp_path):
    """In clips and between them."""

    class Codec:
        """Pictures of one gray, five levels brighter or darker in turn."""

        def __init__(self):
            self._decoded = 0

        def encode(self, picture):
            return render.codec.encode(picture)

        def decode(self, latents):
            self._decoded += 1
            return torch.full((1, 3, 64, 64), 5 / 255 * (-1) ** self._decoded)

    changes = []
    for levels in (0.0, 20.0):
        made = make(replace(render, codec=Codec(), steady=SteadyConfig(levels)), tmp_path / str(levels))
        shown = torch.stack(list(read_frames(made.path))).float().mean(dim=(1, 2, 3))
        changes.append(shown.diff().abs())
    assert changes[0].mean() > 3 and changes[1].max() <= 1


@pytest.mark.parametrize("cancelled_after", [1, 2, 4, 7])
def test_where_there_is_room_for_two_networks_at_once_the_bits_are_the_same(tmp_path, cancelled_after):
    """The real networks; all but the motion frames is decoded while the next clip is denoised."""
    render = a_render(tiny.shared_models())
    expected = make(render, tmp_path / "whole").path.read_bytes()
    folder = tmp_path / "stopped"
    with pytest.raises(PressedCancelError):
        make(render, folder, RoomyRuntime(cancelled_after))
    video = make(render, folder, RoomyRuntime())
    assert video.resumed_from_clip == cancelled_after // 2 and video.path.read_bytes() == expected
    assert names(folder) == FINISHED


def test_where_there_is_room_frames_are_decoded_while_the_next_clip_is_denoised(render, whole, tmp_path):
    """Two of four frames by the first thread. The others wait here for a step of the next clip."""
    denoised, decoded = threading.Semaphore(0), []

    class Runtime(RoomyRuntime):
        def progress(self, *arguments):
            super().progress(*arguments)
            denoised.release()

    class Codec:
        def encode(self, picture):
            return render.codec.encode(picture)

        def decode(self, latents):
            decoded.append(threading.current_thread().name)
            if threading.current_thread() is not threading.main_thread() and len(decoded) <= 4 * (CLIPS - 1):
                assert denoised.acquire(timeout=30)
            return render.codec.decode(latents)

    made = make(replace(render, codec=Codec()), tmp_path, Runtime())
    assert made.path.read_bytes() == whole
    main = threading.main_thread().name
    assert decoded[:2] == [main, main] and decoded.count(main) == 2 * CLIPS
    assert len(decoded) == FRAMES + 2  # of the last clip's four, two are beyond the sound: only decoded for a next clip


@pytest.mark.parametrize("frame", [4, 9])
def test_what_cannot_be_decoded_stops_everything_and_keeps_the_job(render, whole, tmp_path, frame):
    class Codec:
        encode = render.codec.encode

        def __init__(self):
            self.decoded = 0

        def decode(self, latents):
            self.decoded += threading.current_thread() is not threading.main_thread()
            if self.decoded == frame:
                raise RuntimeError("the card is gone")
            return render.codec.decode(latents)

    runtime = RoomyRuntime()
    with pytest.raises(RuntimeError, match="the card is gone"):
        make(replace(render, codec=Codec()), tmp_path, runtime)
    clip = (frame - 1) // 2
    assert runtime.reports[-1][0] <= 2 * (clip + 2)  # the next one at most was made
    video = make(render, tmp_path)
    assert video.resumed_from_clip == clip and video.path.read_bytes() == whole


def test_stopped_after_every_clip_it_is_the_same_video(render, whole, tmp_path):
    for finished in range(1, CLIPS):
        with pytest.raises(PressedCancelError):
            make(render, tmp_path, RecordingRuntime(cancel_after=2))
        with Job(tmp_path / "a.mp4.hallo2", tiny.job_key("key")) as job:
            assert job.journal.clips == finished and job.journal.frames == 4 * finished
    video = make(render, tmp_path)
    assert video.resumed_from_clip == CLIPS - 1 and video.path.read_bytes() == whole and names(tmp_path) == FINISHED


@pytest.mark.parametrize("clip", range(CLIPS))
def test_whatever_goes_wrong_at_a_clip_it_goes_on_there(render, whole, tmp_path, monkeypatch, clip):
    made = []

    def fail(*arguments, call=animation.denoise_clip):
        if len(made) == clip:
            raise RuntimeError("the card is gone")
        made.append(1)
        return call(*arguments)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="the card is gone"):
        patch.setattr(animation, "denoise_clip", fail)
        make(render, tmp_path)
    video = make(render, tmp_path)
    assert video.resumed_from_clip == clip and video.path.read_bytes() == whole and names(tmp_path) == FINISHED


def test_finished_it_returns_at_once(render, whole, tmp_path):
    make(render, tmp_path)
    runtime = RecordingRuntime()
    again = make(render, tmp_path, runtime)
    assert again.resumed_from_clip == CLIPS and again.frames == FRAMES and again.path.read_bytes() == whole
    assert not runtime.reports and not runtime.made_ready and names(tmp_path) == FINISHED


def test_progress_of_a_resumed_video_begins_where_it_stopped(render, tmp_path):
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, RecordingRuntime(cancel_after=4))
    runtime = RecordingRuntime()
    make(render, tmp_path, runtime)
    assert runtime.reports == [(done, 2 * CLIPS) for done in range(5, 2 * CLIPS + 1)]


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
    assert not runtime.reports and names(tmp_path) == {"a.mp4"} and not (tmp_path / "a.mp4.hallo2").exists()


def test_of_two_at_once_the_second_says_so(render, whole, tmp_path):
    class RuntimeThatStartsAnother(RecordingRuntime):
        refused = None

        def progress(self, done, total, preview=None):
            if self.refused is None:
                with pytest.raises(JobError, match="already being made by another run") as self.refused:
                    make(render, tmp_path)

    runtime = RuntimeThatStartsAnother()
    assert make(render, tmp_path, runtime).path.read_bytes() == whole
    assert runtime.refused is not None and names(tmp_path) == FINISHED


def refuse(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_stops_the_clip_in_the_making_and_keeps_the_others(render, whole, tmp_path, monkeypatch):
    appended, append, full = [], Job.append, threading.Event()

    def fill_up_at_the_third(job, *arguments):
        appended.append(1)
        if len(appended) == 3:
            full.set()
            refuse()
        append(job, *arguments)

    class RuntimeThatWaits(RecordingRuntime):
        """In the fourth clip, for the writer of the third."""

        def check_cancelled(self):
            if len(self.reports) == 6:
                assert full.wait(30)
                time.sleep(0.1)

    runtime = RuntimeThatWaits()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left on device"):
        patch.setattr(Job, "append", fill_up_at_the_third)
        make(render, tmp_path, runtime)
    assert runtime.reports[-1][0] == 6  # the fourth clip was not denoised
    video = make(render, tmp_path)
    assert video.resumed_from_clip == 2 and video.path.read_bytes() == whole and names(tmp_path) == FINISHED


def test_a_disk_that_fills_up_at_the_end_keeps_every_clip(render, whole, tmp_path, monkeypatch):
    def fill_up(job, *arguments, publish=Job.publish):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            publish(job, *arguments)

    with monkeypatch.context() as patch, pytest.raises(VideoError, match="No space left"):
        patch.setattr(Job, "publish", fill_up)
        make(render, tmp_path)
    assert "a.mp4" not in names(tmp_path) and not any(".part" in name for name in names(tmp_path))
    runtime = RecordingRuntime()
    assert make(render, tmp_path, runtime).path.read_bytes() == whole and not runtime.reports


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


def test_what_it_will_take_is_said_before_the_start_and_taken_away_at_the_end(render, tmp_path):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append((len(self.reports), text))

    told = []
    make(render, tmp_path, TalkingRuntime())
    (before, what), (step, going), (at_last, nothing) = told
    assert (before, step, at_last) == (0, 4, 2 * CLIPS) and nothing == ""
    assert what.startswith("18 frames in 5 clips; the file will have ") and "GiB of memory at once" in what
    assert re.match(r"Clip 3 of 5, about \d+ s to go\. 18 frames in 5 clips; ", going)
    make(render, tmp_path, TalkingRuntime())
    assert len(told) == 3  # it was finished
    with pytest.raises(PressedCancelError):
        make(render, tmp_path / "other", TalkingRuntime(cancel_after=1))
    assert told[-1][1] == "Stopped: 0 of 5 clips are kept. Run the same again to continue."


def test_advice_comes_before_the_start_and_stays_beside_the_time_left(render, tmp_path):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    told = []
    models = replace(render.inputs.models, usual=UsualSettings(side_px=16))
    make(replace(render, inputs=replace(render.inputs, models=models)), tmp_path, TalkingRuntime())
    assert len(told) == 3 and all("trained at 16x16" in text for text in told[:2])
    assert told[1].startswith("Clip 3 of 5") and told[2] == ""


def test_cancel_and_resume_say_what_is_kept(render, tmp_path):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    told = []
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, TalkingRuntime(cancel_after=5))
    assert told[-1] == "Stopped: 2 of 5 clips are kept. Run the same again to continue."
    make(render, tmp_path, TalkingRuntime())
    assert any(text.startswith("2 of 5 clips are finished already. 18 frames") for text in told) and told[-1] == ""


def test_what_is_to_know_of_the_job_is_said_first_and_stays(render, tmp_path):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    told = []
    job = Job(tmp_path / "a.mp4.hallo2", tiny.job_key("key"), note="An older job is kept.")
    render_video(render, job, tmp_path / "a.mp4", TalkingRuntime())
    assert told[0].startswith("An older job is kept. 18 frames") and told[-1] == "An older job is kept."
    render_video(render, job, tmp_path / "a.mp4", TalkingRuntime())  # it is finished
    assert told[-2:] == ["An older job is kept."] * 2


def test_of_two_failures_the_first_is_shown(render, tmp_path, monkeypatch):
    """The finisher's, though the networks fail as well before anybody asks for it."""
    failed, made = threading.Event(), []

    def fail_in_the_finisher(*_arguments):
        failed.set()
        raise JobError("the disk is full")

    def fail_in_the_network(*arguments, call=animation.denoise_clip):
        if made:
            assert failed.wait(30)
            time.sleep(0.1)
            raise RuntimeError("the card is gone")
        made.append(1)
        return call(*arguments)

    monkeypatch.setattr(rendering, "_finish_clip", fail_in_the_finisher)
    monkeypatch.setattr(animation, "denoise_clip", fail_in_the_network)
    with pytest.raises(JobError, match="the disk is full"):
        make(render, tmp_path)


def test_cancel_waits_for_the_clip_in_hand(render, tmp_path, monkeypatch):
    """It is finished, so it counts."""
    release, write = threading.Event(), rendering._finish_clip

    def slow_write(*arguments):
        release.wait(10)
        write(*arguments)

    class Runtime(RecordingRuntime):
        def check_cancelled(self):
            if self.reports:
                release.set()
            super().check_cancelled()

    monkeypatch.setattr(rendering, "_finish_clip", slow_write)
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, Runtime(cancel_after=3))
    monkeypatch.setattr(rendering, "_finish_clip", write)
    assert make(render, tmp_path).resumed_from_clip == 1


def test_no_more_than_one_clip_waits_to_be_finished(render, tmp_path, monkeypatch):
    alive, write, denoise = [], rendering._finish_clip, animation.denoise_clip
    waiting = []

    def counted_write(*arguments):
        write(*arguments)
        waiting.pop()

    def counted_clip(*arguments):
        alive.append(len(waiting))
        latents = denoise(*arguments)
        waiting.append(1)
        return latents

    monkeypatch.setattr(rendering, "_finish_clip", counted_write)
    monkeypatch.setattr(animation, "denoise_clip", counted_clip)
    make(render, tmp_path)
    assert len(alive) == CLIPS and max(alive) <= 1


def test_cancel_is_heard_while_the_clips_are_joined(render, whole, tmp_path):
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, RecordingRuntime(cancel_after=2 * CLIPS))
    assert not any("mp4" in name.rsplit("/")[-1] for name in names(tmp_path))
    assert make(render, tmp_path).path.read_bytes() == whole and names(tmp_path) == FINISHED


def test_parts_that_do_not_fit_are_refused_before_a_folder_is_made(render, tmp_path):
    other = replace(render.speech, encoder=FakeEncoder(Wav2VecConfig()))
    with pytest.raises(CheckpointError, match="12 layers of width 768"):
        make(replace(render, speech=other), tmp_path)
    assert not list(tmp_path.iterdir())
