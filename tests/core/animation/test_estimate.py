from collections import namedtuple
from fractions import Fraction
from math import ceil

import pytest
import tiny
import torch
from einops import rearrange
from seeded_render import PORTRAIT
from video_on_script import speech_like

from hallo2_core.animation import estimate as estimation
from hallo2_core.animation.estimate import Estimate, check_room, estimate_video
from hallo2_core.errors import JobError
from hallo2_core.jobs.job import Job
from hallo2_core.portrait.picture import load_picture
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.settings import VideoSettings

PAL = Fraction(25)
ESTIMATE = Estimate(frames=100, clips=7, least_clip_bytes=1_000_000, most_clip_bytes=5_000_000, sound_bytes=80_000)


@pytest.fixture(scope="module")
def portrait():
    """(3 h w), -1..1, as the networks take it."""
    return rearrange(load_picture(PORTRAIT)[:128, :128], "h w c -> c h w") * 2 - 1


@pytest.fixture
def disk(monkeypatch):
    """Says how much is free."""
    usage = namedtuple("usage", "free")
    return lambda free: monkeypatch.setattr(estimation.shutil, "disk_usage", lambda folder: usage(free))


@pytest.mark.parametrize(
    "settings", [VideoSettings(), VideoSettings("h265", quality=20), VideoSettings(quality=0)], ids=str
)
def test_a_moving_portrait_lies_between_the_bounds(portrait, settings):
    estimated = estimate_video(portrait, 64, 16, PAL, settings, speech_like(16000, 2.56))
    still = rearrange(portrait, "c h w -> h w c") / 2 + 0.5
    for step in (0, 1, 3):
        moving = torch.stack([still.roll(step * number, 1) for number in range(16)])
        size = len(encode_clip(moving, 0, PAL, settings))
        assert estimated.least_clip_bytes < size < estimated.most_clip_bytes


@pytest.mark.parametrize(("frames", "clips"), [(1, 1), (16, 1), (17, 2), (1500, 94)])
def test_frames_clips_and_sound_are_counted(portrait, frames, clips):
    sound = speech_like(44100, frames / 25, 2)
    estimated = estimate_video(portrait, frames, 16, PAL, VideoSettings(preset="ultrafast"), sound)
    assert (estimated.frames, estimated.clips) == (frames, clips)
    assert estimated.sound_bytes == ceil(sound.samples / 44100 * 40_000)


def test_it_is_said_in_one_line():
    assert str(ESTIMATE) == "100 frames in 7 clips; the file will have 7 to 35 MB"


def test_a_disk_too_small_is_refused_with_both_numbers(tmp_path, disk):
    """Seven clips, and the file of them."""
    with Job(tmp_path / "job", tiny.job_key("key")) as job:
        disk(14_000_000)
        check_room(ESTIMATE, job, tmp_path / "a.mp4")
        disk(13_999_999)
        with pytest.raises(JobError, match=r"has 14 MB free, but this video still needs at least 14 MB: 7 clips"):
            check_room(ESTIMATE, job, tmp_path / "a.mp4")
        with pytest.raises(JobError, match="Free space there, or choose another folder"):
            check_room(ESTIMATE, job, tmp_path / "new" / "folder" / "a.mp4")
        with pytest.raises(JobError):
            check_room(ESTIMATE, job, job.folder / "a.mp4")


def test_what_is_finished_already_takes_no_more_room_but_for_the_file(tmp_path, disk):
    with Job(tmp_path / "job", tiny.job_key("key")) as job:
        for _ in range(6):
            job.append(bytes(2_000_000), 16, {})
        disk(14_000_000)
        check_room(ESTIMATE, job, tmp_path / "a.mp4")
        disk(13_999_999)
        with pytest.raises(JobError):
            check_room(ESTIMATE, job, tmp_path / "a.mp4")


def test_two_disks_are_asked_separately(tmp_path, monkeypatch):
    """One has the clips and the growing video, the other the file of them."""
    usage = namedtuple("usage", "free")
    free = {"job": 14_000_000, "videos": 7_000_000}
    (tmp_path / "videos").mkdir()
    monkeypatch.setattr(estimation.shutil, "disk_usage", lambda folder: usage(free[folder.name]))
    monkeypatch.setattr(estimation, "_disk", lambda folder: folder.name)
    with Job(tmp_path / "job", tiny.job_key("key")) as job:
        check_room(ESTIMATE, job, tmp_path / "videos" / "a.mp4")
        for name in free:
            with monkeypatch.context() as patch:
                patch.setitem(free, name, free[name] - 1)
                with pytest.raises(JobError, match=f"{name} has {free[name] / 1e6:.0f} MB free"):
                    check_room(ESTIMATE, job, tmp_path / "videos" / "a.mp4")
