import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from hallo2_core.errors import JobError
from hallo2_core.jobs import soft_lock
from hallo2_core.jobs.soft_lock import STALE_SECONDS, SoftLock, is_held


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock.owner"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(soft_lock, "SETTLING_SECONDS", 0.01)


def left_behind(path, host, pid, seconds_ago=0.0):
    path.write_text(json.dumps({"token": "theirs", "host": host, "pid": pid}))
    os.utime(path, (time.time() - seconds_ago,) * 2)


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_one_at_a_time(path):
    first, second = SoftLock(path), SoftLock(path)
    assert first.acquire(time.time()) and not second.acquire(time.time()) and is_held(path)
    second.release()  # it has nothing to release
    assert is_held(path)
    first.release()
    assert not path.exists() and second.acquire(time.time())
    second.release()


@pytest.mark.skipif(os.name == "nt", reason="asking for a process may end it there")
def test_of_a_killed_process_of_this_machine_it_is_stale_at_once(path, caplog):
    caplog.set_level(logging.INFO, "hallo2")
    left_behind(path, socket.gethostname(), ended_process())
    assert not is_held(path)
    lock = SoftLock(path)
    assert lock.acquire(time.time()) and "left by a run that has ended" in caplog.text
    lock.release()


def test_of_another_machine_it_is_stale_when_nobody_touched_it_for_long(path):
    left_behind(path, "another machine", 1, seconds_ago=STALE_SECONDS / 2)
    assert is_held(path) and not SoftLock(path).acquire(time.time())
    left_behind(path, "another machine", 1, seconds_ago=STALE_SECONDS + 5)
    assert not is_held(path)
    lock = SoftLock(path)
    assert lock.acquire(time.time())
    lock.release()
    assert not list(path.parent.iterdir())


def test_its_owner_keeps_touching_it(path, monkeypatch):
    monkeypatch.setattr(soft_lock, "BEAT_SECONDS", 0.01)
    touched, utime = threading.Event(), os.utime
    monkeypatch.setattr(os, "utime", lambda *arguments: (utime(*arguments), touched.set()))
    lock = SoftLock(path)
    assert lock.acquire(time.time()) and touched.wait(20)
    lock.release()


def test_one_that_stood_still_notices_that_another_took_over(path):
    lock = SoftLock(path)
    assert lock.acquire(time.time())
    left_behind(path, "another machine", 7)
    with pytest.raises(JobError, match="taken over by another run .process 7 on another machine."):
        lock.check()
    lock.release()
    assert path.exists()  # theirs


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_says_nothing_yet_counts_as_held(path, content):
    path.write_text(content)
    assert is_held(path) and not SoftLock(path).acquire(time.time())
