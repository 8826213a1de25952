import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hallo2_core.errors import JobError
from hallo2_core.jobs import lock as locking
from hallo2_core.jobs import soft_lock
from hallo2_core.jobs.lock import LOCK, OWNER, JobLock, is_running

HOLD = """
import sys
from pathlib import Path
from hallo2_core.jobs.lock import JobLock
lock = JobLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_says_so_and_the_first_is_not_disturbed(tmp_path):
    with JobLock(tmp_path):
        for _again in range(2):
            with pytest.raises(JobError, match="already being made by another run"):
                JobLock(tmp_path).acquire()
    with JobLock(tmp_path):
        pass


def test_the_folder_is_made_and_the_file_goes_with_the_run(tmp_path):
    folder = tmp_path / "new" / "job"
    with JobLock(folder):
        assert {path.name for path in folder.iterdir()} == {LOCK, OWNER}
    assert not list(folder.iterdir())


def test_a_killed_run_leaves_a_file_that_says_nothing(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert run.stdout.readline() == "held\n"
        assert is_running(tmp_path)
        with pytest.raises(JobError, match="by another run"):
            JobLock(tmp_path).acquire()
    finally:
        run.kill()
        run.communicate()
    assert (tmp_path / LOCK).exists() and not is_running(tmp_path)
    with JobLock(tmp_path):
        assert is_running(tmp_path)
    assert not list(tmp_path.iterdir())


def test_looking_leaves_no_trace(tmp_path):
    assert not is_running(tmp_path) and not is_running(tmp_path / "none")
    assert not list(tmp_path.iterdir())
    with JobLock(tmp_path):
        assert is_running(tmp_path)
        with pytest.raises(JobError):
            JobLock(tmp_path).acquire()


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be taken away there")
def test_a_file_that_was_taken_away_while_it_was_being_locked_is_made_again(tmp_path, monkeypatch):
    first, second, locks = JobLock(tmp_path), JobLock(tmp_path), locking._lock
    first.acquire()

    def end_the_first_run(handle):
        if first is not None and not (tmp_path / "ended").exists():
            (tmp_path / "ended").touch()
            first.release()
        locks(handle)

    monkeypatch.setattr(locking, "_lock", end_the_first_run)
    second.acquire()
    with pytest.raises(JobError):
        JobLock(tmp_path).acquire()
    second.release()


def test_never_two_at_once(tmp_path):
    """Threads that come and go as fast as they can, each with a lock of its own."""
    inside, most, entered = [], [], []

    def come_and_go():
        for _turn in range(200):
            lock = JobLock(tmp_path)
            try:
                lock.acquire()
            except JobError:
                continue
            inside.append(1)
            most.append(len(inside))
            entered.append(1)
            inside.pop()
            lock.release()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(entered) >= 4


def test_a_disk_that_has_no_locks_is_not_taken_for_another_run(tmp_path, monkeypatch):
    def refuse(_handle):
        raise OSError("locks are not supported")

    monkeypatch.setattr(locking, "_lock", refuse)
    with pytest.raises(OSError, match="not supported"):
        JobLock(tmp_path).acquire()


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS], ids=errno.errorcode.get)
def disk_without_locks(request, monkeypatch):
    def refuse(_handle):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(locking, "_lock", refuse)


def test_on_a_disk_without_locks_a_file_takes_their_place(tmp_path, disk_without_locks):
    with JobLock(tmp_path) as lock:
        assert is_running(tmp_path) and {path.name for path in tmp_path.iterdir()} == {LOCK, OWNER}
        with pytest.raises(JobError, match=rf"by process {os.getpid()} on "):
            JobLock(tmp_path).acquire()
        lock.check()
    assert not is_running(tmp_path) and not list(tmp_path.iterdir())


def test_another_machine_with_locks_sees_the_file_too(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(locking, "_lock", no_locks)
        held = JobLock(tmp_path)
        held.acquire()
    with pytest.raises(JobError, match="already being made"):
        JobLock(tmp_path).acquire()
    assert is_running(tmp_path)
    held.release()
    with JobLock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def no_locks(_handle):
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.fixture
def another_machine(monkeypatch):
    """Whose file locks are its own, as on many network volumes."""

    def run(do):
        with monkeypatch.context() as patch:
            patch.setattr(locking, "_lock", lambda _handle: None)
            patch.setattr(soft_lock, "_machine", lambda: {"host": "another", "boot": "another"})
            return do()

    return run


def test_another_machine_whose_file_locks_are_its_own_is_refused_too(tmp_path, another_machine):
    with JobLock(tmp_path) as lock:
        with pytest.raises(JobError, match=rf"by process {os.getpid()} on .* free after 120 seconds"):
            another_machine(lambda: JobLock(tmp_path).acquire())
        assert another_machine(lambda: is_running(tmp_path))
        with pytest.raises(JobError, match="by another run"):  # the refused one left the lock as it was
            JobLock(tmp_path).acquire()
        lock.check()
    another_machine(lambda: JobLock(tmp_path).acquire())
    with pytest.raises(JobError, match="on another "):
        JobLock(tmp_path).acquire()
    assert is_running(tmp_path)


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_lock_of_a_lost_machine_becomes_free_also_if_the_clock_was_set(tmp_path, another_machine, monkeypatch, hours):
    monkeypatch.setattr(soft_lock, "SETTLING_SECONDS", 0.01)
    another_machine(lambda: JobLock(tmp_path).acquire())
    then = time.time() + hours * 3600
    os.utime(tmp_path / OWNER, (then, then))
    assert not is_running(tmp_path)
    with JobLock(tmp_path):
        assert is_running(tmp_path)


def test_a_lock_that_the_disk_does_not_let_go_is_free_all_the_same(tmp_path, monkeypatch):
    """It would be held until the process ends."""

    def refuse(*_arguments, **_named):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch, JobLock(tmp_path):
        patch.setattr(os, "unlink", refuse)
    assert not is_running(tmp_path)
    with JobLock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_in_which_no_file_can_be_made_is_not_left_behind(tmp_path, monkeypatch):
    def refuse(*_arguments, **_named):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OSError, match="quota"):
        JobLock(tmp_path / "new").acquire()
    assert not (tmp_path / "new").exists()


def test_after_the_end_of_a_run_nothing_more_is_written(tmp_path):
    """By a thread, for example, that an interrupt left running."""
    with JobLock(tmp_path) as lock:
        lock.check()
    with pytest.raises(JobError, match="has ended"):
        lock.check()
