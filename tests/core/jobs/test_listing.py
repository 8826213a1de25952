import json
import os
import time

import pytest
import tiny

from hallo2_core.errors import JobError
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.listing import all_jobs, choose, remove, unfinished_jobs
from hallo2_core.video.target import TargetFile

DAY = 86_400


def stopped(folder, clips=2, days=0.0):
    """An unfinished job of so many clips of a thousand bytes, left alone for so long."""
    with Job(folder, tiny.job_key("key")) as job:
        for _ in range(clips):
            job.append(bytes(1000), 16, {})
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - days * DAY,) * 2)
    return folder


def finished(folder, video):
    with Job(folder, tiny.job_key("key")) as job:
        job.append(bytes(1000), 16, {})
        with TargetFile(video) as target:
            target.part.write_bytes(b"video")
            job.publish(target)
    return folder


@pytest.fixture
def output(tmp_path):
    """As a host's output folder with videos of the command line in it."""
    tmp_path = tmp_path / "output"
    stopped(tmp_path / "hallo2_jobs" / "aaa", 3, days=5)
    stopped(tmp_path / "hallo2_jobs" / "bbb", 1, days=1)
    finished(tmp_path / "hallo2_jobs" / "done", tmp_path / "hallo2_jobs" / "done" / "animation.mp4")
    stopped(tmp_path / "c.mp4.hallo2", 2, days=9)
    stopped(tmp_path / "of my own name", 1, days=3)
    finished(tmp_path / "d.mp4.hallo2", tmp_path / "d.mp4")
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "journal.json").write_text("Dear diary")
    (tmp_path / "photo.png").write_bytes(b"photo")
    return tmp_path


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_unfinished_are_listed_oldest_first_and_nothing_is_changed(output):
    before = everything(output)
    jobs = unfinished_jobs(output)
    assert [job.folder.name for job in jobs] == ["c.mp4.hallo2", "aaa", "of my own name", "bbb"]
    assert [job.frames for job in jobs] == [32, 48, 16, 16]
    assert [round(job.age_seconds / DAY) for job in jobs] == [9, 5, 3, 1]
    assert not any(job.is_running for job in jobs)
    assert [job.size_bytes // 1000 for job in jobs] == [2, 3, 1, 1]
    assert everything(output) == before


@pytest.mark.parametrize("below", ["hallo2_jobs", "c.mp4.hallo2", ".."])
def test_a_job_is_found_from_where_it_lies(output, below):
    names = {job.folder.name for job in unfinished_jobs(output / below)}
    assert names == {"hallo2_jobs": {"aaa", "bbb"}, "c.mp4.hallo2": {"c.mp4.hallo2"}, "..": {"aaa", "bbb"}}[below]


def test_a_job_whose_journals_are_damaged_is_unfinished_too(output):
    for name in ("journal.json", "journal.previous.json"):
        (output / "hallo2_jobs" / "aaa" / name).write_bytes(b"")
    assert {job.folder.name: job.frames for job in unfinished_jobs(output)}["aaa"] == 0


def test_a_job_that_is_being_made_is_said_to_be(output):
    with Job(output / "hallo2_jobs" / "aaa", tiny.job_key("key")):
        jobs = {job.folder.name: job for job in unfinished_jobs(output)}
        assert [name for name, job in jobs.items() if job.is_running] == ["aaa"]
        assert not choose(list(jobs.values()), names=["aaa"], older_than_seconds=-1)[0].is_running
        with pytest.raises(JobError, match="already being made"):
            remove(jobs["aaa"])
    assert Job(output / "hallo2_jobs" / "aaa", tiny.job_key("key")).__enter__().journal.clips == 3


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ({}, []),
        ({"names": ["bbb", "c.mp4.hallo2"]}, ["c.mp4.hallo2", "bbb"]),
        ({"older_than_seconds": 4 * DAY}, ["c.mp4.hallo2", "aaa"]),
        ({"older_than_seconds": 4 * DAY, "names": ["bbb"]}, ["c.mp4.hallo2", "aaa", "bbb"]),
        ({"most_bytes": 10**6}, []),
        ({"most_bytes": 0}, ["c.mp4.hallo2", "aaa", "of my own name", "bbb"]),
    ],
    ids=str,
)
def test_what_is_chosen(output, choice, chosen):
    assert [job.folder.name for job in choose(unfinished_jobs(output), **choice)] == chosen


def test_a_limit_takes_the_oldest_until_the_rest_is_within_it(output):
    jobs = unfinished_jobs(output)
    size = sum(job.size_bytes for job in jobs)
    assert choose(jobs, most_bytes=size) == [] and choose(jobs, most_bytes=size - 1) == jobs[:1]
    assert choose(jobs, most_bytes=size - jobs[0].size_bytes - 1) == jobs[:2]
    assert choose(jobs, names=["bbb"], most_bytes=size - 1) == [jobs[3]]  # that is enough


def test_what_is_being_made_counts_but_stays(output):
    with Job(output / "c.mp4.hallo2", tiny.job_key("key")):
        jobs = unfinished_jobs(output)
        assert [job.folder.name for job in choose(jobs, most_bytes=0)] == ["aaa", "of my own name", "bbb"]


def test_what_is_taken_away_leaves_no_trace_and_all_else_as_it_was(output):
    jobs, before = unfinished_jobs(output), everything(output)
    gone = {job.folder for job in jobs}
    orphan, mine = output / "c.mp4.hallo2" / "orphan-0000.ts", output / "hallo2_jobs" / "aaa" / "mine.txt"
    orphan.write_bytes(b"orphan")
    (output / "c.mp4.hallo2" / "ahead-key-000004-16-00000000.ts").write_bytes(b"made by a helper")
    mine.write_bytes(b"mine")
    for job in jobs:
        remove(job)
    kept = {path: content for path, content in before.items() if not gone & set(path.parents)}
    assert everything(output) == kept | {mine: b"mine"}
    assert {path.name for path in output.iterdir()} == {"hallo2_jobs", "d.mp4.hallo2", "d.mp4", "holiday", "photo.png"}
    assert {path.name for path in (output / "hallo2_jobs").iterdir()} == {"aaa", "done"}


def test_a_job_that_was_finished_meanwhile_is_left_alone(output):
    job = next(job for job in unfinished_jobs(output) if job.folder.name == "aaa")
    with Job(job.folder, tiny.job_key("key")) as going_on, TargetFile(job.folder / "animation.mp4") as target:
        target.part.write_bytes(b"video")
        going_on.publish(target)
    remove(job)
    assert {path.name for path in job.folder.iterdir()} == {"animation.mp4", "journal.json"}


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(JobError, match="There is no folder .*none"):
        unfinished_jobs(tmp_path / "none")


def test_finished_ones_are_listed_with_their_video_and_what_removing_them_frees(output):
    jobs = {job.name: job for job in all_jobs(output)}
    assert set(jobs) == {"c.mp4.hallo2", "aaa", "of my own name", "bbb", "done", "d.mp4.hallo2"}
    done, named = jobs["done"], jobs["d.mp4.hallo2"]
    assert (done.state, done.video_bytes) == ("finished", 5) and done.video.name == "animation.mp4"
    assert named.video == output / "d.mp4" and jobs["aaa"].state == "stopped" and jobs["aaa"].video is None
    journal_bytes = (output / "d.mp4.hallo2" / "journal.json").stat().st_size
    assert named.size_bytes == journal_bytes  # the video has a name that a user gave it
    assert done.pictures == done.video and jobs["aaa"].pictures.name == "clips-0000.ts"


def test_a_finished_one_goes_with_its_video_where_the_nodes_put_that(output):
    made = finished(output / "hallo2_jobs" / "new", output / "hallo2" / "animation.mp4")
    for job in all_jobs(output):
        if job.name in ("done", "new", "d.mp4.hallo2"):
            remove(job)
    assert not made.exists() and not (output / "hallo2_jobs" / "done").exists()
    assert not list((output / "hallo2").iterdir()) and (output / "d.mp4").read_bytes() == b"video"
    assert not (output / "d.mp4.hallo2").exists()


def test_a_job_of_the_first_version_is_listed_as_what_it_is(output):
    for name in ("aaa", "done"):
        path = output / "hallo2_jobs" / name / "journal.json"
        journal = json.loads(path.read_text())
        path.write_text(json.dumps(journal | {"format": 1, "key": "0f" * 16}))
    jobs = {job.name: job for job in all_jobs(output)}
    assert jobs["aaa"].is_old and jobs["done"].is_old and not jobs["bbb"].is_old
    assert (jobs["aaa"].frames, jobs["aaa"].what) == (48, "a video of version 0.1.0")
    assert jobs["done"].video == output / "hallo2_jobs" / "done" / "animation.mp4"
    remove(jobs["done"])
    assert not (output / "hallo2_jobs" / "done").exists()
