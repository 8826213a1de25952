import json
import os

import pytest
import tiny

from hallo2_core.jobs.journal import NAME, PREVIOUS, Journal, KeptFile, read_journal, write_journal

KEY = tiny.job_key("work", torch="2.13.0")
JOURNAL = Journal(KEY).after_clip(KeptFile("clips-0000.ts", 10, 7, 16), KeptFile("state-0.safetensors", 3, 9))


def test_a_clip_grows_its_file_or_begins_a_new_one():
    journal, state = Journal(KEY), KeptFile("state")
    first = KeptFile("a").followed_by(b"12345", 16)
    grown = first.followed_by(b"678", 16)
    second = KeptFile("b").followed_by(b"9", 5)
    for segment in (first, grown, second):
        journal = journal.after_clip(segment, state)
    assert journal == Journal(KEY, 3, (grown, second), state)
    assert (journal.frames, grown.size_bytes, grown.frames) == (37, 8, 32)


def test_what_is_written_is_read_again(tmp_path):
    for journal in (Journal(KEY), JOURNAL, Journal(KEY, 3, video="../a.mp4", video_bytes=5)):
        write_journal(tmp_path, journal)
        assert read_journal(tmp_path / NAME) == journal
    assert read_journal(tmp_path / PREVIOUS) == JOURNAL
    assert {path.name for path in tmp_path.iterdir()} == {NAME, PREVIOUS}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\x00" * 300, b"\xff\xfe garbage", b"[]", b"3", b"null", b"{}", b'{"format": 1}',
     b'{"format": 1, "segments": [], "state": null}', b'{"format": 1, "key": "k", "segments": [3], "state": null}',
     b'{"format": 1, "key": "k", "segments": [], "state": null, "colour": "blue"}',
     b'{"format": 2, "key": "k", "segments": [], "state": null}',
     b'{"format": 3, "key": {"request": {}}, "segments": [], "state": null}'],
    ids=repr,
)  # fmt: skip
def test_anything_else_is_no_journal(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    assert read_journal(tmp_path / NAME) is None and read_journal(tmp_path / "none") is None


def test_cut_off_anywhere_it_is_no_journal(tmp_path):
    write_journal(tmp_path, JOURNAL)
    whole = (tmp_path / NAME).read_bytes()
    for size in range(len(whole)):
        (tmp_path / NAME).write_bytes(whole[:size])
        assert read_journal(tmp_path / NAME) is None


def test_at_every_moment_one_of_the_two_is_whole(tmp_path, monkeypatch):
    """Stopped before each rename and each sync."""
    older, newer = JOURNAL, JOURNAL.after_clip(KeptFile("clips-0000.ts", 20, 8, 32), KeptFile("state-1.safetensors"))

    class PowerCutError(BaseException):
        pass

    moments = []
    for moment in range(20):
        folder = tmp_path / str(moment)
        folder.mkdir()
        write_journal(folder, Journal(KEY))
        write_journal(folder, older)
        left = [moment]

        def stop(name, left=left):
            call = getattr(os, name)

            def counted(*arguments):
                if not left[0]:
                    raise PowerCutError
                left[0] -= 1
                return call(*arguments)

            return counted

        with monkeypatch.context() as patch:
            for name in ("replace", "fsync"):
                patch.setattr(os, name, stop(name))
            try:
                write_journal(folder, newer)
                break
            except PowerCutError:
                found = read_journal(folder / NAME) or read_journal(folder / PREVIOUS)
                moments.append(found == newer)
    assert moments == sorted(moments) and len(moments) >= 3 and moments[0] is False


def test_a_file_is_whole_when_the_bytes_that_count_are_as_they_were(tmp_path):
    kept = KeptFile("a").followed_by(b"hello ").followed_by(b"world")
    path = tmp_path / "a"
    for content, whole in ((b"hello world", True), (b"hello world and what was in flight", True),
                           (b"hello worl", False), (b"hello_world", False), (b"", False)):  # fmt: skip
        path.write_bytes(content)
        assert kept.is_whole(tmp_path) is whole
    path.unlink()
    assert not kept.is_whole(tmp_path)
    path.mkdir()
    assert not kept.is_whole(tmp_path)


def test_a_video_counts_while_it_is_there_and_of_its_size(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    journal = Journal(KEY, 3, video="../a.mp4", video_bytes=5)
    assert journal.published(folder) is None and journal.first_damaged(folder) == "../a.mp4"
    (tmp_path / "a.mp4").write_bytes(b"12345")
    assert journal.published(folder) == tmp_path / "a.mp4" and journal.first_damaged(folder) is None
    (tmp_path / "a.mp4").write_bytes(b"1234")
    assert journal.published(folder) is None
    assert Journal(KEY).published(folder) is None and Journal(KEY).first_damaged(folder) is None


def test_the_first_damaged_file_is_named(tmp_path):
    write = {"a": b"12345", "b": b"678", "state": b"tensors"}
    kept = {name: KeptFile(name).followed_by(content) for name, content in write.items()}
    journal = Journal(KEY, 2, (kept["a"], kept["b"]), kept["state"])
    for name, content in write.items():
        (tmp_path / name).write_bytes(content)
    assert journal.first_damaged(tmp_path) is None
    for name in ("state", "b", "a"):
        (tmp_path / name).write_bytes(b"garbage")
        assert journal.first_damaged(tmp_path) == name


def test_it_is_small_and_can_be_read_by_people(tmp_path):
    hour = tuple(KeptFile(f"clips-{number:04d}.ts", 10**8, 2**32 - 1, 960) for number in range(94))
    write_journal(tmp_path, Journal(KEY, 5625, hour, KeptFile("state-0.safetensors", 6 * 2**20, 1)))
    assert (tmp_path / NAME).stat().st_size < 20_000
    assert json.loads((tmp_path / NAME).read_text())["clips"] == 5625


def test_a_journal_of_the_first_version_can_be_read_and_is_said_to_be_old(tmp_path):
    """As version 0.1.0 wrote it."""
    written = {
        "format": 1, "key": "0f" * 16, "clips": 2, "segments": [{"name": "clips-0000.ts", "size_bytes": 5, "crc": 7,
        "frames": 32}], "state": {"name": "state-1.safetensors", "size_bytes": 3, "crc": 9, "frames": 0}, "video": None,
        "video_bytes": 0,
    }  # fmt: skip
    (tmp_path / NAME).write_text(json.dumps(written))
    journal = read_journal(tmp_path / NAME)
    assert journal.is_old and journal.frames == 32 and "0.1.0" in journal.key.what
    assert not JOURNAL.is_old


@pytest.mark.parametrize(
    "changed",
    [
        {"segments": [{"name": "../victim.mp4", "size_bytes": 0, "crc": 0, "frames": 16}]},
        {"segments": [{"name": "/etc/passwd", "size_bytes": 0, "crc": 0, "frames": 16}]},
        {"state": {"name": "../state-0.safetensors", "size_bytes": 3, "crc": 9, "frames": 0}},
        {"segments": [], "state": None},
        {"state": None},
        {"clips": True},
        {"clips": -1},
        {"video": 5},
        {"video": "../../.ssh/id_rsa"},
        {"key": {"request": {"work": 3}, "arithmetic": {}, "what": "", "frames": 0}},
    ],
    ids=repr,
)
def test_a_journal_that_no_job_has_written_is_damaged(tmp_path, changed):
    write_journal(tmp_path, JOURNAL)
    written = json.loads((tmp_path / NAME).read_text())
    assert read_journal(tmp_path / NAME) == JOURNAL
    (tmp_path / NAME).write_text(json.dumps(written | changed))
    assert read_journal(tmp_path / NAME) is None


def test_a_journal_nested_too_deeply_is_damaged(tmp_path):
    (tmp_path / NAME).write_text('{"key":' * 100_000)
    assert read_journal(tmp_path / NAME) is None
