import json
import os
import time

import pytest
import tiny

from hallo2_core.cli import main
from hallo2_core.jobs.job import Job
from hallo2_core.video.target import TargetFile

DAY = 86_400


@pytest.fixture
def output(tmp_path):
    for name, clips, days in (("a.mp4.hallo2", 2, 12), ("b.mp4.hallo2", 1, 1)):
        with Job(tmp_path / name, tiny.job_key("key")) as job:
            for _ in range(clips):
                job.append(bytes(1_000_000), 16, {})
        for path in (*(tmp_path / name).iterdir(), tmp_path / name):
            os.utime(path, (time.time() - days * DAY,) * 2)
    return tmp_path


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_they_are_listed(output, capsys, monkeypatch):
    monkeypatch.chdir(output)
    assert main(["jobs"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "a.mp4.hallo2  32 frames  2.0 MB  stopped  12.0 days old",
        "b.mp4.hallo2  16 frames  1.0 MB  stopped  1.0 days old"
    ]  # fmt: skip
    assert told.err == f"2 unfinished, 3.0 MB, in {output}\n"


def test_as_json(output, capsys):
    assert main(["jobs", "--jobs", str(output), "--older-than", "10", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (job,) = printed["jobs"]
    assert job.pop("size_bytes") > 2_000_000 and job.pop("age_seconds") >= 12 * DAY
    expected = {"name": "a.mp4.hallo2", "folder": str(output / "a.mp4.hallo2"), "state": "stopped", "frames": 32}
    assert job == expected | {"frames_in_all": None, "video": None} and printed["removed"] is False
    assert main(["jobs", "--jobs", str(output), "--older-than", "10", "--clean", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] is True and names(output) == {"b.mp4.hallo2"}


def test_without_clean_a_choice_is_only_shown(output, capsys):
    assert main(["jobs", "--jobs", str(output), "--older-than", "10"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("a.mp4.hallo2") and told.out.count("\n") == 1
    assert told.err.startswith("1 would be removed, 2.0 MB")
    assert names(output) == {"a.mp4.hallo2", "b.mp4.hallo2"}


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (["--older-than", "10"], {"b.mp4.hallo2"}),
        (["b.mp4.hallo2"], {"a.mp4.hallo2"}),
        (["--over", "0.002"], {"b.mp4.hallo2"}),
        (["--over", "1"], {"a.mp4.hallo2", "b.mp4.hallo2"}),
        (["--over", "0"], set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),  # in the same order in every process
)
def test_clean(output, choice, left, capsys):
    assert main(["jobs", "--jobs", str(output), "--clean", *choice]) == 0
    assert names(output) == left and f"{2 - len(left)} removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clean"], "Nothing to clean is selected"),
        (["c.mp4.hallo2"], "There is no unfinished job 'c.mp4.hallo2'"),
        (["--jobs", "nowhere"], "There is no folder nowhere"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_clear_line(output, capsys, arguments, message, monkeypatch):
    monkeypatch.chdir(output)
    assert main(["jobs", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and not told.out
    assert names(output) == {"a.mp4.hallo2", "b.mp4.hallo2"}


def test_what_is_being_made_is_shown_and_stays(output, capsys):
    with Job(output / "a.mp4.hallo2", tiny.job_key("key")):
        assert main(["jobs", "--jobs", str(output), "--clean", "--over", "0"]) == 0
        assert names(output) == {"a.mp4.hallo2"}
        capsys.readouterr()
        assert main(["jobs", "--jobs", str(output)]) == 0 and "being made" in capsys.readouterr().out
        assert main(["jobs", "--jobs", str(output), "--clean", "a.mp4.hallo2"]) == 2
        assert "is running now. Stop that run first." in capsys.readouterr().err


def test_finished_ones_are_listed_when_asked_for_and_a_named_video_outlives_its_job(output, capsys):
    with Job(output / "d.mp4.hallo2", tiny.job_key("d")) as job, TargetFile(output / "d.mp4") as video:
        job.append(bytes(1000), 16, {})
        video.part.write_bytes(b"video")
        job.publish(video)
    assert main(["jobs", "--jobs", str(output), "--over", "0"]) == 0 and "d.mp4" not in capsys.readouterr().out
    assert main(["jobs", "--jobs", str(output), "--finished"]) == 0
    told = capsys.readouterr()
    assert f"finished  0 minutes old  {output / 'd.mp4'}" in told.out and told.err.startswith(
        "3 finished and unfinished, "
    )
    assert main(["jobs", "--jobs", str(output), "--finished", "--clean", "d.mp4.hallo2"]) == 0
    assert names(output) == {"a.mp4.hallo2", "b.mp4.hallo2", "d.mp4"}
