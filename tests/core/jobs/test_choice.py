"""The choice of a video's job: finished work is found by its request, unfinished work also by its arithmetic."""

import json

import pytest
import tiny

from hallo2_core.errors import JobError
from hallo2_core.jobs.choice import choose_job
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.journal import NAME
from hallo2_core.video.target import TargetFile

BEFORE, NOW = (
    tiny.job_key("work", torch="2.12.0", attention="sdpa"),
    tiny.job_key("work", torch="2.13.0", attention="sdpa"),
)


@pytest.fixture(params=["0f0f", "a.mp4.hallo2"], ids=["node", "command line"])
def folder(request, tmp_path):
    return tmp_path / request.param


def stopped(folder, key=BEFORE, clips=2):
    with Job(folder, key) as job:
        for _ in range(clips):
            job.append(bytes(100), 16, {})
    return folder


def finished(folder, key=BEFORE):
    with Job(folder, key) as job, TargetFile(folder.parent / "video.mp4") as video:
        job.append(bytes(100), 16, {})
        video.part.write_bytes(b"video")
        job.publish(video)
    return folder


def entered(job):
    """Frames that are finished, and the video, as whoever makes it finds them."""
    with job:
        return job.journal.frames, job.finished


def test_before_the_first_run_it_is_the_folder_itself(folder):
    job = choose_job(folder, NOW)
    assert (job.folder, job.note) == (folder, "") and entered(job) == (0, None)


def test_what_was_stopped_goes_on_under_the_same_arithmetic(folder):
    stopped(folder)
    job = choose_job(folder, BEFORE)
    assert (job.folder, job.note) == (folder, "") and entered(job) == (32, None)


def test_under_another_one_a_new_job_is_made_beside_it_and_the_note_says_what_differs(folder):
    stopped(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    job = choose_job(folder, NOW)
    assert job.folder != folder and job.folder.suffix == folder.suffix and entered(job) == (0, None)
    assert "32 frames of this video" in job.note and "(torch 2.12.0 → 2.13.0)" in job.note
    assert str(folder) in job.note and job.folder.name in job.note and "undo the change" in job.note
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert choose_job(folder, BEFORE).folder == folder  # the change undone


def test_both_go_on_each_under_its_own(folder):
    beside = choose_job(stopped(folder), NOW).folder
    stopped(beside, NOW, clips=3)
    for key, place, frames in ((BEFORE, folder, 32), (NOW, beside, 48)):
        job = choose_job(folder, key)
        assert job.folder == place and entered(job) == (frames, None)
    third = choose_job(folder, tiny.job_key("work", torch="2.14.0", attention="sdpa"))
    assert third.folder not in (folder, beside) and "2.12.0 → 2.14.0" in third.note and "2.13.0 → 2.14.0" in third.note


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"torch": "2.12.0", "attention": "sage"}, "(attention sdpa → sage)"),
        ({"torch": "2.12.0"}, "(attention sdpa → nothing)"),
        ({"torch": "2.12.0", "attention": "sdpa", "ARITHMETIC": "2"}, "(ARITHMETIC nothing → 2)"),
        ({"torch": "2.13.0", "attention": "sage"}, "(torch 2.12.0 → 2.13.0; attention sdpa → sage)"),
    ],
    ids=str,
)
def test_every_entry_that_differs_is_named(folder, now, said):
    assert said in choose_job(stopped(folder), tiny.job_key("work", **now)).note


def test_what_is_finished_is_found_whatever_made_it(folder):
    video = folder.parent / "video.mp4"
    finished(folder)
    same, another = choose_job(folder, BEFORE), choose_job(folder, NOW)
    assert same.folder == another.folder == folder and same.note == ""
    assert "already finished" in another.note and "torch 2.12.0 → 2.13.0" in another.note
    assert entered(same) == entered(another) == (0, video)


def test_what_is_finished_goes_before_what_is_not(folder):
    beside = choose_job(stopped(folder), NOW).folder
    finished(beside, NOW)
    assert choose_job(folder, BEFORE).folder == beside


def test_a_finished_video_that_is_gone_is_made_anew_in_its_place(folder):
    finished(folder)
    (folder.parent / "video.mp4").unlink()
    job = choose_job(folder, NOW)
    assert (job.folder, job.note) == (folder, "") and entered(job) == (0, None)


def test_other_work_beside_it_is_nobodys_business(folder):
    stopped(folder.with_stem(f"{folder.stem}-2"), tiny.job_key("other"))
    stopped(folder)
    assert choose_job(folder, NOW).folder == folder.with_stem(f"{folder.stem}-3")
    stopped(folder.with_stem(f"{folder.stem}-3"), NOW)
    assert choose_job(folder, NOW).folder == folder.with_stem(f"{folder.stem}-3")


def test_other_work_in_the_folder_itself_is_refused_and_the_part_that_differs_is_named(folder):
    stopped(folder)
    with pytest.raises(JobError, match=r"made from other inputs or with other settings .work.\."):
        choose_job(folder, tiny.job_key("other")).__enter__()


def test_unfinished_work_of_another_arithmetic_is_never_gone_on_with(folder):
    """By whoever has not chosen the job."""
    stopped(folder)
    with pytest.raises(JobError, match=r"computed differently .torch 2\.12\.0 → 2\.13\.0"):
        Job(folder, NOW).__enter__()
    assert entered(Job(folder, BEFORE)) == (32, None)


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_job_of_the_first_version_is_kept_and_said_to_be_old(folder, is_finished):
    (finished if is_finished else stopped)(folder)
    journal = json.loads((folder / NAME).read_text())
    journal |= {"format": 1, "key": "0f" * 16}
    (folder / NAME).write_text(json.dumps(journal))
    (folder / "journal.previous.json").unlink(missing_ok=True)
    before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    with pytest.raises(JobError, match=r"made by version 0\.1\.0"):
        choose_job(folder, NOW).__enter__()
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before
