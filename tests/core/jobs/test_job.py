import errno
import os
import threading
from pathlib import Path

import pytest
import tiny
import torch

from hallo2_core.errors import JobError, VideoError
from hallo2_core.jobs import folder
from hallo2_core.jobs import job as jobs
from hallo2_core.storage import durable

SEGMENTS = ["clips-0000.ts", "clips-0001.ts", "clips-0002.ts"]


class PowerCutError(BaseException):
    """Nothing is run after it: no clean-up, no `finally`."""


def test_in_one_go(work):
    with work.job() as job:
        assert job.state() == {} and job.finished is None and job.segments == {} and job.frames_in_segment == 0
        work.go_on(job)
        assert job.segments == {work.folder / name: frames for name, frames in zip(SEGMENTS, (8, 8, 4), strict=True)}
        assert [path.read_bytes() for path in job.segments] == [
            work.clip(0) + work.clip(1), work.clip(2) + work.clip(3), work.clip(4)
        ]  # fmt: skip
        assert job.frames_in_segment == 4 and torch.equal(job.state()["pixels"], torch.arange(3.0) + 5)
        work.publish(job)
        assert job.finished == work.video
    assert work.is_finished()


def test_a_finished_job_says_where_its_video_is(work, monkeypatch):
    work.finish()
    for _again in range(2):
        with work.job() as job:
            assert job.finished == work.video and job.journal.clips == work.clips
        assert work.is_finished()
    monkeypatch.chdir(work.folder.parent)
    with jobs.Job(work.folder.relative_to(work.folder.parent), tiny.job_key("key")) as job:
        assert job.finished.resolve() == work.video


def test_folder_and_video_may_be_moved_together(work, tmp_path):
    work.finish()
    work.folder.parent.joinpath("new").mkdir()
    work.folder, work.video = work.folder.rename(tmp_path / "new/job"), work.video.rename(tmp_path / "new/a.mp4")
    with work.job() as job:
        assert job.finished == work.video


@pytest.mark.parametrize("until", range(1, 6))
def test_it_goes_on_where_it_stopped(work, until, warnings):
    work.make(until)
    assert "lock" not in work.names()
    assert work.finish() == until and work.is_finished() and not warnings()


def test_stopped_before_anything_was_finished_it_leaves_no_trace(work):
    with pytest.raises(KeyError), work.job():
        raise KeyError
    assert not work.folder.exists()


def test_an_exception_passes_and_keeps_what_is_finished(work):
    with pytest.raises(KeyError), work.job() as job:
        work.go_on(job, until=3)
        raise KeyError
    assert work.finish() == 3 and work.is_finished()


def test_other_files_in_the_folder_are_nobodys_business(work):
    work.folder.mkdir()
    mine = {"notes.txt", "segment-0001.ts", "clips-1.ts", "clips-0001.mp4", "state.safetensors", "download.part"}
    for name in mine:
        (work.folder / name).write_bytes(b"mine")
    with work.job():
        pass
    assert work.names() == mine
    work.make(3)
    work.finish()
    assert work.names() == mine | {"journal.json"}


def test_other_work_is_refused_and_left_as_it_is(work):
    work.make(3)
    before = {path: path.read_bytes() for path in work.folder.iterdir()}
    with pytest.raises(JobError, match="job holds 12 finished frames of a video, made from other inputs"):
        work.job("other").__enter__()
    assert {path: path.read_bytes() for path in work.folder.iterdir()} == before
    work.finish()
    with pytest.raises(JobError, match=r"holds the video .*a\.mp4, made from other inputs"):
        work.job("other").__enter__()
    assert work.is_finished()


def test_a_folder_whose_video_is_gone_is_free_for_other_work(work, warnings):
    work.finish()
    work.video.unlink()
    with work.job("other") as job:
        assert work.go_on(job) == 0
        work.publish(job)
    assert work.is_finished() and not warnings()


@pytest.mark.parametrize("change", ["gone", "cut"])
def test_a_video_that_is_gone_is_made_again(work, change, warnings):
    work.finish()
    work.video.unlink()
    if change == "cut":
        work.video.write_bytes(b"x")
    with work.job() as job:
        assert job.finished is None and job.journal.clips == 0
        work.video.unlink(missing_ok=True)
        work.go_on(job)
        work.publish(job)
    assert work.is_finished()
    assert len(warnings()) == 1 and "a.mp4" in warnings()[0] and "The job starts over" in warnings()[0]


def test_the_second_of_two_at_once_says_so_and_changes_nothing(work):
    with work.job() as job:
        work.go_on(job, until=2)
        with pytest.raises(JobError, match="already being made"):
            work.job().__enter__()
        work.go_on(job)
        work.publish(job)
    assert work.is_finished()


def test_a_name_taken_meanwhile_is_left_alone(work, warnings):
    with work.job() as job:
        work.go_on(job)
        with jobs_target(work) as target:
            work.video.write_bytes(b"mine")
            job.publish(target)
        assert job.finished == work.video.with_name("a-2.mp4")
    assert work.video.read_bytes() == b"mine" and "a-2.mp4" in warnings()[0]


def jobs_target(work):
    from hallo2_core.video.target import TargetFile

    target = TargetFile(work.video)
    target.part.write_bytes(b"whole")
    return target


def test_on_another_drive_the_video_is_known_by_its_whole_name(work, monkeypatch):
    def no_way(*_paths):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    with monkeypatch.context() as patch:
        patch.setattr(jobs.os.path, "relpath", no_way)
        work.finish()
    with work.job() as job:
        assert job.finished == work.video and job.journal.video == str(work.video)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("number", range(7))
def test_a_full_disk_keeps_what_is_finished(work, monkeypatch, moment, number, warnings):
    """Full at the n-th sync or rename after the third clip."""
    with work.job() as job:
        work.go_on(job, until=3)
        with monkeypatch.context() as patch:
            patch.setattr(os, moment, full_after(number, getattr(os, moment)))
            try:
                work.go_on(job, until=4)
            except JobError as error:
                assert "cannot be read or written: No space left" in str(error) and "resumes at the next clip" in str(
                    error
                )
            else:
                assert number > 2
    assert not any(name.endswith(".part") for name in work.names())
    assert work.finish() in (3, 4) and work.is_finished() and not warnings()


def full_after(number, call):
    left = [number]

    def refuse(*arguments):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return call(*arguments)

    return refuse


def test_half_a_clip_in_the_file_does_not_count(work, monkeypatch):
    with work.job() as job:
        work.go_on(job, until=3)
        with monkeypatch.context() as patch, pytest.raises(JobError):
            patch.setattr(os, "fsync", full_after(0, os.fsync))
            job.append(b"half a cl", 4, {})
        assert (work.folder / SEGMENTS[1]).read_bytes() == work.clip(2) + b"half a cl"
        assert job.frames_in_segment == 4
        work.go_on(job)  # in the same run
        work.publish(job)
    assert work.is_finished()


def test_a_disk_that_fills_up_while_the_video_gets_its_name(work, monkeypatch, warnings):
    for number in range(12):
        with work.job() as job, monkeypatch.context() as patch:
            if job.finished is not None:
                break
            work.go_on(job)
            patch.setattr(os, "fsync", full_after(number, os.fsync))
            try:
                work.publish(job)
            except (JobError, VideoError) as error:
                assert "No space left" in str(error)
    assert work.is_finished() and not warnings() and number > 3


def test_a_folder_that_cannot_be_made_is_one_clear_line(work):
    work.folder.parent.joinpath("job").write_bytes(b"a file")
    with pytest.raises(JobError, match=r"job cannot be read or written: "):
        work.job().__enter__()


def test_a_disk_whose_files_cannot_be_changed_is_refused_before_the_work(work, monkeypatch):
    usual = Path.open

    def write_once(path, mode="r", *arguments, **options):
        if mode == "r+b":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return usual(path, mode, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", write_once)
        with pytest.raises(JobError, match="files there cannot be changed .* mount this one with a write cache"):
            work.job().__enter__()
    assert not work.folder.exists()
    work.finish()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", write_once)
        with work.job() as job:
            assert job.finished == work.video


def test_what_somebody_watches_on_windows_goes_the_next_time(work, monkeypatch):
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.suffix == ".ts":
            raise PermissionError
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        work.finish()
    assert work.names() == {"journal.json", *SEGMENTS}
    assert work.finish() == work.clips and work.is_finished()


def interrupted(call, left):
    def counted(*arguments, **named):
        if left[0] == 0:
            raise PowerCutError
        left[0] -= 1
        return call(*arguments, **named)

    return counted


def run_until_power_goes(work, moment, monkeypatch):
    """True where it was finished before. The lock goes with the process; everything else stays as it lies."""
    left, job = [moment], work.job()
    with monkeypatch.context() as patch:
        for module, name in ((os, "fsync"), (os, "replace"), (os, "truncate")):
            patch.setattr(module, name, interrupted(getattr(module, name), left))
        patch.setattr(Path, "unlink", interrupted(Path.unlink, left))
        patch.setattr(durable, "sync_folder", interrupted(durable.sync_folder, left))
        try:
            job.__enter__()
            work.go_on(job)
            if job.finished is None:
                target = jobs_target(work)
                target.part.write_bytes(b"".join(path.read_bytes() for path in job.segments))
                job.publish(target)
            job.__exit__(None, None, None)
            return True
        except PowerCutError:
            return False
        finally:
            job._lock._soft._ended.set()
            if hasattr(job._lock, "_file"):
                job._lock._file.close()


def test_the_power_may_go_at_any_moment(work, monkeypatch, warnings):
    """Before every sync, rename, truncation and deletion of a whole job, once each: nothing finished is lost, and no
    restart says a word."""
    for moment in range(300):
        done = run_until_power_goes(work, moment, monkeypatch)
        with work.job() as job:
            finished, clips = job.finished, job.journal.clips
            assert finished in (None, work.video) and clips <= work.clips
            assert b"".join(path.read_bytes() for path in job.segments) == (
                b"" if finished else b"".join(map(work.clip, range(clips)))
            )
        assert work.finish() == clips and work.is_finished() and not warnings()
        work.video.unlink()
        (work.folder / "journal.json").unlink()
        work.folder.rmdir()
        if done:
            break
    assert done and moment > 50


def test_the_power_may_go_again_and_again(work, monkeypatch, warnings):
    """At the same moment of every run; each of them is a little further."""
    for moment in (16, 18, 21, 25, 30):
        runs = 0
        while not run_until_power_goes(work, moment, monkeypatch):
            runs += 1
            assert runs < 20
        assert work.is_finished() and not warnings()
        work.video.unlink()
        (work.folder / "journal.json").unlink()


def test_the_states_of_two_journals_are_kept(work):
    with work.job() as job:
        for number in range(work.clips):
            job.append(work.clip(number), 4, work.state(number + 1))
            kept = {name for name in work.names() if name.startswith("state")}
            assert kept == set(folder.STATES[: number + 1])


def test_a_clip_that_another_thread_is_writing_is_finished_before_another_run_begins(work, monkeypatch):
    """As after an interrupt that came while the first thread waited for the second."""
    begun, may_end = threading.Event(), threading.Event()

    def slow_sync(_handle):
        begun.set()
        may_end.wait(60)

    job = work.job().__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", slow_sync)
        writing = threading.Thread(target=job.append, args=(work.clip(0), 4, work.state(1)))
        leaving = threading.Thread(target=job.__exit__, args=(None, None, None))
        writing.start()
        assert begun.wait(60)
        leaving.start()
        with pytest.raises(JobError, match="already being made"):
            work.job().__enter__()
        may_end.set()
        writing.join()
        leaving.join()
    with pytest.raises(JobError, match="has ended"):
        job.append(work.clip(1), 4, work.state(2))
    assert work.finish() == 1 and work.is_finished()


def test_an_unfinished_job_grows_by_its_clips_alone(work):
    with work.job() as job:
        for number in range(40):
            job.append(work.clip(number), 4, work.state(number + 1))
            if number == 9:
                few = len([name for name in work.names() if not name.startswith("clips")])
        assert len([name for name in work.names() if not name.startswith("clips")]) == few


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize(
    "name", ["clips-0000.ts", "state-0.safetensors", "journal.json", "journal.json.part", "check.part", "growing.mp4"]
)
def test_links_in_a_folder_from_elsewhere_lead_nowhere(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_bytes(b"not ours")
    own = tmp_path / "job"
    own.mkdir()
    (own / name).symlink_to(victim)
    with jobs.Job(own, tiny.job_key("work")) as job:
        job.append(b"clip", 16, {"frames": torch.zeros(1)})
        assert job.growing.parent == own and not job.growing.exists()
    assert victim.read_bytes() == b"not ours"
