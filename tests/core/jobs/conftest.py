import logging
import os

import pytest
import tiny
import torch

from hallo2_core.jobs import job as jobs
from hallo2_core.jobs.job import Job
from hallo2_core.video.target import TargetFile


class Work:
    """Work of so many clips of eleven bytes and four frames; the third begins a file of its own."""

    clips = 5

    def __init__(self, folder):
        self.folder = folder / "job"
        self.video = folder / "a.mp4"

    @staticmethod
    def clip(number):
        return f"<clip {number:04d}>".encode()

    @staticmethod
    def state(number):
        """After so many clips."""
        return {"pixels": torch.arange(3.0) + number}

    def job(self, key="key"):
        return Job(self.folder, tiny.job_key(key))

    def go_on(self, job, until=clips):
        """As a render does, from wherever the job stopped. Returns from which clip."""
        start = job.journal.clips
        if start and job.finished is None:
            assert torch.equal(job.state()["pixels"], self.state(start)["pixels"])
        for number in range(start, until):
            job.append(self.clip(number), 4, self.state(number + 1))
        return start

    def publish(self, job):
        with TargetFile(self.video) as target:
            with target.reported():
                target.part.write_bytes(b"".join(path.read_bytes() for path in job.segments))
            job.publish(target)

    def make(self, until=clips):
        with self.job() as job:
            return self.go_on(job, until)

    def finish(self):
        """Returns from which clip it went on."""
        with self.job() as job:
            start = self.go_on(job)
            if job.finished is None:
                self.publish(job)
        return start

    def is_finished(self):
        """Everything is there, once, and nothing else."""
        assert self.video.read_bytes() == b"".join(map(self.clip, range(self.clips)))
        assert {path.name for path in self.folder.parent.iterdir()} == {"a.mp4", "job"}
        return self.names() == {"journal.json"}

    def names(self):
        return {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "CLIPS_PER_SEGMENT", 2)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # slow, and no test can tell
    return Work(tmp_path)


@pytest.fixture
def warnings(caplog):
    """What was said, so far, to whoever reads the log."""
    caplog.set_level(logging.WARNING, "hallo2")
    return lambda: [record.getMessage() for record in caplog.records]
