"""Jobs in remote storage: what another machine finds there is what was finished, whenever the first one was lost."""

import re
from types import SimpleNamespace

import fsspec
import pytest
import torch

from hallo2_core.farm.mirror import Mirror
from hallo2_core.farm.workplace import _names_of
from hallo2_core.jobs.job import CLIPS_PER_SEGMENT, Job
from hallo2_core.jobs.key import JobKey

KEY = JobKey({"portrait": "abc"}, {"torch": "2"}, what="a video")
NAMES = _names_of("a.mp4")


@pytest.fixture
def storage():
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


def job_in(folder):
    return Job(folder / "a.mp4.hallo2", KEY)


def add_clip(job, number):
    job.append(bytes([number]) * 100, 16, {"motion_pixels": torch.full((2,), float(number))})


def mirror_of(folder, storage):
    folder.mkdir(exist_ok=True)
    return Mirror(folder, storage, "/videos", NAMES)


def restored(folder, storage):
    """(finished clips, state, bytes) as a new machine sees them."""
    mirror_of(folder, storage).restore()
    with job_in(folder) as job:
        parts = b"".join(path.read_bytes() for path in job.segments)
        state = job.state().get("motion_pixels")
        return job.journal.clips, None if state is None else float(state[0]), parts


def test_another_machine_continues_after_the_last_copied_clip(tmp_path, storage):
    mirror = mirror_of(tmp_path / "first", storage)
    with job_in(tmp_path / "first") as job:
        for number in range(3):
            add_clip(job, number)
            mirror.copy()
        add_clip(job, 3)  # lost with the machine
    clips, state, parts = restored(tmp_path / "second", storage)
    assert (clips, state, parts) == (3, 2.0, b"\0" * 100 + b"\1" * 100 + b"\2" * 100)


def test_a_copy_that_was_cut_off_at_any_write_does_not_count(tmp_path, storage, monkeypatch):
    mirror = mirror_of(tmp_path / "first", storage)
    writes = []
    with job_in(tmp_path / "first") as job:
        add_clip(job, 0)
        mirror.copy()
        add_clip(job, 1)
        real_pipe, real_open = storage.pipe_file, storage.open

        def failing(real):
            def call(path, *more, **named):
                writes.append(path)
                if len(writes) == allowed + 1:
                    raise OSError("the machine is lost")
                return real(path, *more, **named)

            return call

        for allowed in range(3):
            writes.clear()
            monkeypatch.setattr(storage, "pipe_file", failing(real_pipe))
            monkeypatch.setattr(storage, "open", failing(real_open))
            with pytest.raises(OSError, match="is lost"):
                mirror.copy()
            monkeypatch.undo()
            assert restored(tmp_path / f"after-{allowed}", storage)[:2] == (1, 0.0)
        mirror.copy()
    assert restored(tmp_path / "whole", storage)[:2] == (2, 1.0)


def test_old_copies_and_segments_are_removed(tmp_path, storage):
    mirror = mirror_of(tmp_path / "first", storage)
    with job_in(tmp_path / "first") as job:
        for number in range(CLIPS_PER_SEGMENT + 2):
            add_clip(job, number)
            mirror.copy()
        names = [path.rpartition("/")[2] for path in storage.ls("/videos/a.mp4.hallo2", detail=False)]
        assert sorted(names) == ["clips-0000.ts", "clips-0001.ts", f"copy-{CLIPS_PER_SEGMENT + 2:06d}"]
        video = tmp_path / "first" / "a.mp4"
        video.write_bytes(b"video")
        job.publish(SimpleNamespace(path=video, settle=lambda: 5, publish=lambda: None))
        mirror.copy()
    names = [path.rpartition("/")[2] for path in storage.ls("/videos/a.mp4.hallo2", detail=False)]
    assert [name for name in names if name.startswith("clips")] == []
    assert storage.cat("/videos/a.mp4") == b"video"


def test_a_finished_video_is_found_again(tmp_path, storage):
    mirror = mirror_of(tmp_path / "first", storage)
    with mirror, job_in(tmp_path / "first") as job:
        add_clip(job, 0)
        video = tmp_path / "first" / "a.mp4"
        video.write_bytes(b"video")
        job.publish(SimpleNamespace(path=video, settle=lambda: 5, publish=lambda: None))
    mirror_of(tmp_path / "second", storage).restore()
    with job_in(tmp_path / "second") as job:
        assert job.finished == tmp_path / "second" / "a.mp4"


def test_jobs_of_other_videos_are_left_alone(tmp_path, storage):
    storage.pipe_file("/videos/b.mp4", b"another")
    storage.pipe_file("/videos/a.mp4.txt", b"notes")
    mirror_of(tmp_path / "first", storage).restore()
    assert list((tmp_path / "first").iterdir()) == []


@pytest.mark.parametrize("name", ["a.mp4", "a-2.mp4", "a_animated.mp4", "a.mp4.hallo2", "a.mp4-2.hallo2"])
def test_names_of_a_video_and_its_jobs(name):
    assert NAMES.fullmatch(name) and not re.fullmatch(_names_of("b.mp4"), name)


def test_only_files_of_the_job_are_restored_from_the_newest_readable_copy(tmp_path, storage):
    mirror = mirror_of(tmp_path / "first", storage)
    with job_in(tmp_path / "first") as job:
        add_clip(job, 1)
        mirror.copy()
    (copy,) = [path for path in storage.ls("/videos/a.mp4.hallo2", detail=False) if "copy-" in path]
    for name in ("..\\evil.mp4", "evil.sh", "clips-0007.ts"):
        storage.pipe_file(f"{copy}/{name}", b"not ours")
    storage.pipe_file("/videos/a.mp4.hallo2/copy-000009/journal.json", b"{")
    storage.pipe_file("/videos/a.mp4.hallo2/copy-x/journal.json", b"{}")
    mirror_of(tmp_path / "second", storage).restore()
    names = {path.name for path in (tmp_path / "second" / "a.mp4.hallo2").iterdir()}
    assert names == {"journal.json", "state-0.safetensors", "clips-0000.ts"}
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second"}
    assert restored(tmp_path / "third", storage)[0] == 1
