import os

import pytest
import tiny

from hallo2_core.errors import SettingsError
from hallo2_core.jobs import placing
from hallo2_core.jobs.actions import LINK, MOVE, REMOVE, act_on
from hallo2_core.jobs.choice import choose_job
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.listing import all_jobs
from hallo2_core.video.target import TargetFile

VIDEO = b"a finished video"


@pytest.fixture
def output(tmp_path):
    """A finished job and a stopped one, as the nodes leave them."""
    jobs = tmp_path / "output" / "hallo2_jobs"
    with Job(jobs / "done", tiny.job_key("done")) as job, TargetFile(tmp_path / "output" / "hallo2" / "a.mp4") as video:
        job.append(bytes(100), 16, {})
        video.part.write_bytes(VIDEO)
        job.publish(video)
    with Job(jobs / "stopped", tiny.job_key("stopped")) as job:
        job.append(bytes(100), 16, {})
    return tmp_path / "output"


def act(output, action, *names):
    return act_on(all_jobs(output), action, names, output / "talks")


def finished(output):
    return choose_job(output / "hallo2_jobs" / "done", tiny.job_key("done")).__enter__().finished


def test_a_moved_video_is_still_found_and_stays_when_its_job_goes(output):
    moved = output / "talks" / "a.mp4"
    assert act(output, MOVE, "done") == [f"done: the video is now {moved}"]
    assert moved.read_bytes() == VIDEO and not (output / "hallo2" / "a.mp4").exists() and finished(output) == moved
    assert act(output, MOVE, "done") == [f"done: the video is now {moved}"]
    (output / "hallo2_jobs" / "done" / "lock").unlink(missing_ok=True)


def test_removed_after_a_move_the_video_stays(output):
    act(output, MOVE, "done")
    assert act(output, REMOVE, "done") == [f"done: removed. Its video stays: {output / 'talks' / 'a.mp4'}"]
    assert (output / "talks" / "a.mp4").exists() and not (output / "hallo2_jobs" / "done").exists()


def test_a_move_to_another_disk_is_a_copy_that_takes_the_first_ones_place(output, monkeypatch):
    monkeypatch.setattr(os, "link", other_disk)
    act(output, MOVE, "done")
    assert {path.name for path in (output / "talks").iterdir()} == {"a.mp4"}
    assert not (output / "hallo2" / "a.mp4").exists() and finished(output) == output / "talks" / "a.mp4"


def other_disk(*_paths):
    raise OSError(18, "Invalid cross-device link")


def test_killed_in_the_middle_of_a_move_nothing_is_lost(output, monkeypatch):
    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(placing, "replace_journal", killed)
        act(output, MOVE, "done")
    assert finished(output) == output / "hallo2" / "a.mp4"


def test_a_link_takes_no_space_and_outlives_the_job(output):
    link = output / "talks" / "a.mp4"
    assert act(output, LINK, "done") == [f"done: the video is also {link}"]
    assert os.path.samefile(link, output / "hallo2" / "a.mp4")
    assert act(output, REMOVE, "done") == ["done: removed."]
    assert link.read_bytes() == VIDEO and not list((output / "hallo2").iterdir())


def test_a_disk_without_links_says_what_else_to_do(output, monkeypatch):
    monkeypatch.setattr(os, "link", other_disk)
    (said,) = act(output, LINK, "done")
    assert "Invalid cross-device link" in said and "Move the video instead" in said


def test_names_that_are_taken_are_left_alone(output):
    (output / "talks").mkdir()
    (output / "talks" / "a.mp4").write_bytes(b"mine")
    act(output, LINK, "done")
    assert (output / "talks" / "a.mp4").read_bytes() == b"mine" and (output / "talks" / "a-2.mp4").read_bytes() == VIDEO


def test_each_name_gets_its_answer(output):
    with Job(output / "hallo2_jobs" / "running", tiny.job_key("running")) as job:
        job.append(bytes(100), 16, {})
        said = act(output, REMOVE, "nowhere", "running", "stopped", "stopped")
    assert said[0] == "nowhere: no such job (it may have been removed)." and "already being made" in said[1]
    assert said[2:] == ["stopped: removed."] and not (output / "hallo2_jobs" / "stopped").exists()
    (said,) = act(output, MOVE, "running")
    assert "is not finished" in said


def test_nothing_is_done_without_a_name(output):
    with pytest.raises(SettingsError, match="No job to remove is named"):
        act(output, REMOVE)
