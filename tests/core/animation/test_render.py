import errno
import os
import threading
import time
from dataclasses import replace

import pytest
import tiny
import torch
from small_render import CLIPS, FRAMES, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime, RoomyRuntime
from video_on_script import decoded_sound, lag_samples

from hallo2_core.animation import animate as animation
from hallo2_core.animation import render as rendering
from hallo2_core.animation.steady import SteadyConfig
from hallo2_core.errors import JobError, VideoError
from hallo2_core.jobs import job as jobs
from hallo2_core.jobs.job import Job
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
