import errno
import os
import stat

import pytest

from hallo2_core.storage import durable
from hallo2_core.storage.durable import rename, replace_file, replacing, sync_folder


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.json"
    for content in (b"first", b"", b"second" * 1000):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_are_synced_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda handle, call=os.fsync: (call(handle), done.append("sync"))[0])
    monkeypatch.setattr(os, "replace", lambda *paths, call=os.replace: (call(*paths), done.append("rename"))[0])
    replace_file(tmp_path / "a", b"x")
    assert done == ["sync", "rename"] + ["sync"] * (os.name != "nt")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_refuses_keeps_the_old_file_and_no_part_of_the_new(tmp_path, monkeypatch, failing):
    path = tmp_path / "a"
    replace_file(path, b"old")

    def refuse(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, failing, refuse)
        replace_file(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_what_is_written_in_parts_replaces_nothing_until_it_is_complete(tmp_path):
    path = tmp_path / "a"
    replace_file(path, b"old")
    with pytest.raises(ValueError, match="stop"), replacing(path) as part:
        part.write_bytes(b"half")
        raise ValueError("stop")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with replacing(path) as part, part.open("wb") as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_windows_is_asked_again_while_somebody_looks_at_the_file(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")
    refusals = [PermissionError(), PermissionError()]

    def replace(path, target, call=os.replace):
        if refusals:
            raise refusals.pop()
        call(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "replace", replace)
        patch.setattr(durable.os, "name", "nt")
        rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"x" and not refusals


@pytest.mark.parametrize("system", ["nt", "posix"])
def test_but_not_for_ever_and_elsewhere_not_at_all(tmp_path, monkeypatch, system):
    asked = []

    def refuse(*_paths):
        asked.append(1)
        raise PermissionError

    with monkeypatch.context() as patch, pytest.raises(PermissionError):
        patch.setattr(durable.os, "replace", refuse)
        patch.setattr(durable.os, "name", system)
        patch.setattr(durable, "WINDOWS_PATIENCE_SECONDS", 0.15)
        rename(tmp_path / "a", tmp_path / "b")
    assert (len(asked) > 1) == (system == "nt")


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path):
    if os.name == "nt":
        pytest.skip("Windows has no such call")
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such call")
@pytest.mark.parametrize("answer", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_disk_that_cannot_sync_folders_is_used_all_the_same_and_that_is_said_once(
    tmp_path, monkeypatch, caplog, answer
):
    def refuse(handle, call=os.fsync):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(answer, os.strerror(answer))
        call(handle)

    durable._say_once.cache_clear()
    monkeypatch.setattr(os, "fsync", refuse)
    for content in (b"first", b"second"):
        replace_file(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == b"second"
    (said,) = caplog.messages
    assert "cannot sync folders" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such call")
def test_a_disk_that_fails_to_sync_a_folder_is_not_used(tmp_path, monkeypatch):
    def refuse(handle, call=os.fsync):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        call(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        replace_file(tmp_path / "a", b"x")
