import os
import time

import pytest
import tiny

from hallo2_core.jobs import limit
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.limit import keep_within
from hallo2_core.jobs.listing import unfinished_jobs
from hallo2_core.video.target import TargetFile

CLIP_BYTES = 100_000


def stopped(folder, clips, days):
    with Job(folder, tiny.job_key("key")) as job:
        for _ in range(clips):
            job.append(bytes(CLIP_BYTES), 16, {})
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - days * 86_400,) * 2)
    return folder


@pytest.fixture
def jobs(tmp_path):
    """Three unfinished ones, the eldest first, and a finished one that is older than all."""
    folder = tmp_path / "hallo2_jobs"
    with Job(folder / "done", tiny.job_key("key")) as job, TargetFile(folder / "done" / "animation.mp4") as target:
        job.append(bytes(CLIP_BYTES), 16, {})
        target.part.write_bytes(bytes(9 * CLIP_BYTES))
        job.publish(target)
    for path in (*(folder / "done").iterdir(), folder / "done"):
        os.utime(path, (time.time() - 99 * 86_400,) * 2)
    for name, clips, days in (("old", 3, 9), ("middle", 2, 5), ("new", 1, 1)):
        stopped(folder / name, clips, days)
    return folder


def left(jobs):
    return {path.name for path in jobs.iterdir()} - {"done"}


def gigabytes(clips):
    """A little more than so many clips take, for their journals and states."""
    return (clips + 0.5) * CLIP_BYTES / 1e9


@pytest.mark.parametrize(
    ("most", "stay"),
    [
        (50, {"old", "middle", "new"}),
        (gigabytes(6), {"old", "middle", "new"}),
        (gigabytes(5), {"middle", "new"}),
        (gigabytes(2), {"new"}),
        (1e-9, set()),
        (0, {"old", "middle", "new"}),
    ],
)
def test_the_oldest_go_until_the_rest_is_within_the_limit(jobs, most, stay):
    keep_within(jobs, most, jobs / "mine")
    assert left(jobs) == stay
    assert {path.name for path in (jobs / "done").iterdir()} == {"animation.mp4", "journal.json"}


def test_the_job_about_to_run_counts_but_stays(jobs):
    keep_within(jobs, gigabytes(4), jobs / "old")
    assert left(jobs) == {"old", "new"}
    keep_within(jobs, 1e-9, jobs / "old")
    assert left(jobs) == {"old"}


def test_what_is_being_made_counts_but_stays(jobs):
    with Job(jobs / "old", tiny.job_key("key")):
        keep_within(jobs, gigabytes(4), jobs / "mine")
        assert left(jobs) == {"old", "new"}


def test_one_that_somebody_goes_on_with_just_then_stays(jobs, monkeypatch):
    listed = unfinished_jobs(jobs)
    monkeypatch.setattr(limit, "unfinished_jobs", lambda folder: listed)
    with Job(jobs / "old", tiny.job_key("key")):
        keep_within(jobs, 1e-9, jobs / "mine")
    assert left(jobs) == {"old"}


def test_the_log_says_what_went(jobs, caplog):
    keep_within(jobs, gigabytes(5), jobs / "mine")
    (said,) = caplog.messages
    assert str(jobs / "old") in said and "48 frames" in said and "9.0 days old" in said


def test_before_the_first_video_there_is_nothing_to_do(tmp_path):
    keep_within(tmp_path / "hallo2_jobs", 50, tmp_path / "hallo2_jobs" / "mine")
    assert not list(tmp_path.iterdir())
