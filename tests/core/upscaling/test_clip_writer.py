import threading
from fractions import Fraction

import pytest
import torch

from hallo2_core.errors import JobError
from hallo2_core.jobs.job import Job
from hallo2_core.upscaling.clip_writer import CLIP_FRAMES, WAITING_BYTES, BackgroundWriter, most_waiting
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.colour import to_planes
from hallo2_core.video.settings import VideoSettings

FAST = VideoSettings(preset="ultrafast")
FRAMES = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3) * 5


class RefusingJob(Job):
    """Waits for a sign before it takes a clip. Its disk is full when the clip of this number comes."""

    def __init__(self, folder, refused=None):
        super().__init__(folder, "key")
        self.refused, self.may_go_on = refused, threading.Event()
        self.may_go_on.set()

    def append(self, clip, frames, state):
        assert self.may_go_on.wait(60)
        if self.journal.clips == self.refused:
            self.refused = None
            raise JobError("no space")
        super().append(clip, frames, state)


def given(writer, frames):
    for frame in frames:
        writer.write(to_planes(frame, 8))


def contents(job):
    return b"".join(path.read_bytes() for path in job.segments)


def test_the_clips_are_those_of_the_frames_one_after_the_other(tmp_path):
    with RefusingJob(tmp_path / "job") as job, BackgroundWriter(job, Fraction(25), FAST) as writer:
        given(writer, FRAMES)
        writer.finish()
        assert (job.journal.clips, job.journal.frames) == (3, 40)
        starts = range(0, 40, CLIP_FRAMES)
        expected = [encode_clip(FRAMES[start : start + CLIP_FRAMES], start, Fraction(25), FAST) for start in starts]
        assert contents(job) == b"".join(expected)


def test_left_by_an_error_it_still_encodes_what_it_was_given(tmp_path):
    with RefusingJob(tmp_path / "job") as job:
        with pytest.raises(KeyboardInterrupt), BackgroundWriter(job, Fraction(25), FAST) as writer:
            job.may_go_on.clear()
            given(writer, FRAMES[:20])
            job.may_go_on.set()
            raise KeyboardInterrupt
        assert (job.journal.clips, job.journal.frames) == (1, 16)


def test_after_a_clip_that_could_not_be_written_none_takes_its_place(tmp_path):
    """Frames that wait when the disk fills up are not written as if they were the lost ones."""
    with RefusingJob(tmp_path / "job", refused=0) as job:
        with pytest.raises(JobError), BackgroundWriter(job, Fraction(25), FAST) as writer:
            job.may_go_on.clear()
            given(writer, FRAMES[: CLIP_FRAMES + most_waiting(32 * 32 * 3 // 2) - 1])
            job.may_go_on.set()
            given(writer, FRAMES)
        assert job.journal.clips == 0


def test_no_more_frames_wait_than_are_counted(tmp_path):
    with RefusingJob(tmp_path / "job") as job, BackgroundWriter(job, Fraction(25), FAST) as writer:
        job.may_go_on.clear()
        given(writer, FRAMES[:CLIP_FRAMES])  # of these the last waits for the job
        more = threading.Thread(target=given, args=(writer, FRAMES[:2]))
        given(writer, FRAMES[: most_waiting(32 * 32 * 3 // 2) - 1])
        more.start()
        more.join(0.3)
        assert more.is_alive()
        job.may_go_on.set()
        more.join(60)
        assert not more.is_alive()


def test_large_frames_wait_by_their_bytes_and_there_is_always_room_for_one():
    assert most_waiting(1) == CLIP_FRAMES
    assert most_waiting(4096 * 4096 * 3 // 2) == 10
    assert most_waiting(WAITING_BYTES + 1) == 1
