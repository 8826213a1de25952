"""Each system call of a job fails once. `tests/soak/faults.py` does the same to whole videos, below libav too."""

import errno
import io
import os
import shutil

import pytest

from hallo2_core.errors import Hallo2Error
from hallo2_core.jobs import lock as locking

CALLS = {
    "open": (io, "open"), "stat": (os, "stat"), "list": (os, "scandir"), "replace": (os, "replace"),
    "truncate": (os, "truncate"), "unlink": (os, "unlink"), "mkdir": (os, "mkdir"), "rmdir": (os, "rmdir"),
    "fsync": (os, "fsync"), "flock": (locking, "_lock"),
}  # fmt: skip
BY_HANDLE = {"fsync", "flock"}
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ESTALE, errno.EDQUOT)


class Disk:
    """Counts the calls for files below a folder, and lets one fail."""

    def __init__(self, folder, monkeypatch):
        self._folder = str(folder)
        self.calls, self._failing, self._error = dict.fromkeys(CALLS, 0), None, 0
        for kind, (module, name) in CALLS.items():
            monkeypatch.setattr(module, name, self._watched(kind, getattr(module, name)))

    def fail(self, kind, number, error):
        self.calls, self._failing, self._error = dict.fromkeys(CALLS, 0), (kind, number), error

    def work(self):
        self.calls, self._failing = dict.fromkeys(CALLS, 0), None

    def _watched(self, kind, call):
        def watched(what, *arguments, **named):
            if kind in BY_HANDLE or str(what).startswith(self._folder):
                self.calls[kind] += 1
                if (kind, self.calls[kind] - 1) == self._failing:
                    raise OSError(self._error, os.strerror(self._error), str(what))
            return call(what, *arguments, **named)

        return watched


def interrupted(work):
    """Returns from which clip it went on, how many clips were finished at the end, and the error."""
    job = work.job()
    try:
        with job:
            start = work.go_on(job)
            if job.finished is None:
                work.publish(job)
    except Hallo2Error as error:
        return None, job.journal.clips, error
    return start, job.journal.clips, None


@pytest.mark.skipif(os.name == "nt", reason="other calls")
@pytest.mark.parametrize("clips", [0, 3, 5])
@pytest.mark.parametrize("kind", CALLS)
def test_no_failing_call_costs_a_finished_clip(work, tmp_path, monkeypatch, kind, clips):
    """clips: finished before. With five of five, the video is finished too."""
    template = tmp_path.with_name(f"{tmp_path.name}-template")
    if clips:
        work.finish() if clips == work.clips else work.make(clips)
    shutil.copytree(tmp_path, template)
    disk = Disk(tmp_path, monkeypatch)
    interrupted(work)
    for number in range(disk.calls[kind]):
        error = ERRORS[number % len(ERRORS)]
        disk.work()
        shutil.rmtree(tmp_path)
        shutil.copytree(template, tmp_path)
        disk.fail(kind, number, error)
        start, finished, failure = interrupted(work)
        disk.work()
        assert start in (None, clips)
        assert failure is None or os.strerror(error) in str(failure)
        assert work.finish() >= max(clips, finished) and work.is_finished()


@pytest.mark.parametrize("name", ["journal.json", "clips-0001.ts", "state-0.safetensors"])
def test_files_that_cannot_be_read_are_not_damaged(work, tmp_path, monkeypatch, name, warnings):
    """As on a network that is down for a moment. A job that took them for damaged would start over."""
    work.make(4)
    usual = io.open

    def unreachable(path, *arguments, **named):
        if str(path).endswith(name):
            raise OSError(errno.ESTALE, "Stale file handle")
        return usual(path, *arguments, **named)

    with monkeypatch.context() as patch, pytest.raises(Hallo2Error, match="Stale file handle.* network works"):
        patch.setattr(io, "open", unreachable)
        work.finish()
    assert work.finish() == 4 and work.is_finished() and not warnings()
