"""Upscaled clips that wait for those before them, and the source that they are made from."""

from fractions import Fraction

import fsspec
import pytest
import torch

from hallo2_core.errors import JobError
from hallo2_core.farm.ahead_clips import AheadClips, AheadWriter
from hallo2_core.farm.mirror import Mirror
from hallo2_core.farm.shared_folder import shared_folder
from hallo2_core.farm.unfinished_video import UnfinishedVideo
from hallo2_core.farm.workplace import _names_of
from hallo2_core.jobs.job import CLIPS_PER_SEGMENT, Job
from hallo2_core.jobs.key import JobKey
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.clip_writer import CLIP_FRAMES
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.join import join_clips
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.target import TargetFile

KEY, FPS = JobKey({"portrait": "abc"}, {"torch": "2"}, what="a video", frames=40), Fraction(25)


@pytest.fixture(params=["folder", "storage"])
def place(request, tmp_path):
    if request.param == "folder":
        yield str(tmp_path / "videos")
        return
    yield "memory://videos"
    fsspec.filesystem("memory").store.clear()


def test_clips_are_appended_up_to_the_first_that_is_missing(place, tmp_path):
    folder = shared_folder(f"{place}/a.mp4.hallo2")
    ahead, others = AheadClips(folder, "key"), AheadClips(folder, "other")
    for number in (0, 1, 3):
        AheadWriter(ahead, number).append(bytes([number]) * 10, 16, {})
    others.add(2, b"of other inputs", 16)
    assert set(ahead.names()) == {0, 1, 3}
    with Job(tmp_path / "job", KEY) as job:
        assert ahead.append_to(job) == 2 and job.journal.frames == 32
        ahead.add(2, b"\2" * 10, 8)
        assert ahead.append_to(job) == 2 and (job.journal.clips, job.journal.frames) == (4, 56)
        (segment,) = job.segments
        assert segment.read_bytes() == b"".join(bytes([number]) * 10 for number in range(4))
    ahead.remove_all()
    assert folder.names() == []


def test_a_damaged_clip_is_as_if_it_were_not_there(place, tmp_path):
    folder = shared_folder(f"{place}/a.mp4.hallo2")
    ahead = AheadClips(folder, "key")
    ahead.add(0, b"clip", 16)
    folder.write(ahead.names()[0], b"clap")
    with Job(tmp_path / "job", KEY) as job:
        assert ahead.append_to(job) == 0


def test_a_clip_is_made_for_its_place_in_the_segment(place):
    ahead = AheadClips(shared_folder(place), "key")
    assert AheadWriter(ahead, CLIPS_PER_SEGMENT + 2).frames_in_segment == 2 * CLIP_FRAMES


class Scene:
    """A job of forty frames beside its video, and how another machine sees it."""

    def __init__(self, place, tmp_path):
        self.local = tmp_path / "videos"
        self.local.mkdir()
        self.job = Job(self.local / "a.mp4.hallo2", KEY)
        self.pictures = torch.rand(40, 64, 64, 3, generator=torch.Generator().manual_seed(0))
        self._mirror = None
        if "://" in place:
            self._mirror = Mirror(self.local, fsspec.filesystem("memory"), "/videos", _names_of("a.mp4"))
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        self.seen = UnfinishedVideo(f"{place}/a.mp4.hallo2", scratch, FPS)

    def add(self, first, stop):
        clip = encode_clip(self.pictures[first:stop], self.job.frames_in_segment, FPS, VideoSettings())
        self.job.append(clip, stop - first, {})
        self.share()

    def publish(self):
        with TargetFile(self.local / "a.mp4") as target:
            join_clips(self.job.segments, target, FPS, None, LocalRuntime().check_cancelled)
            self.job.publish(target)
        self.share()

    def share(self):
        if self._mirror is not None:
            self._mirror.copy()


@pytest.fixture
def scene(place, tmp_path):
    return Scene(place, tmp_path)


def test_finished_frames_are_those_of_the_finished_video(scene):
    with scene.job:
        for first in (0, 16):
            scene.add(first, first + 16)
        early = list(scene.seen.frames(range(10, 32)))
        with pytest.raises(JobError, match="32 finished frames"):
            list(scene.seen.frames(range(10, 33)))
        scene.add(32, 40)
        scene.publish()
        late = list(scene.seen.frames(range(10, 40)))
    whole = list(read_frames(scene.local / "a.mp4"))
    assert len(early) == 22 and all(map(torch.equal, early, whole[10:32]))
    assert len(late) == 30 and all(map(torch.equal, late, whole[10:]))


def test_a_video_that_is_finished_while_it_is_read(scene, monkeypatch):
    with scene.job:
        for first, stop in ((0, 16), (16, 32), (32, 40)):
            scene.add(first, stop)
        before = scene.seen.journal()
        scene.publish()
    seen = iter([before])
    newest = scene.seen.journal
    monkeypatch.setattr(scene.seen, "journal", lambda: next(seen, None) or newest())
    found = list(scene.seen.frames(range(5, 40)))
    whole = list(read_frames(scene.local / "a.mp4"))
    assert len(found) == 35 and all(map(torch.equal, found, whole[5:]))


def test_a_video_that_was_removed(scene):
    with pytest.raises(JobError, match="has no journal"):
        list(scene.seen.frames(range(5)))
