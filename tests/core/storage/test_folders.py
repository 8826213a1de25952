import errno
from pathlib import Path

import pytest

from hallo2_core.storage.advice import advice_for
from hallo2_core.storage.durable import make_folder
from hallo2_core.storage.folders import check_writable, existing_part, writing_problem


def test_the_nearest_folder_that_exists(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert existing_part(tmp_path) == tmp_path == existing_part(tmp_path / "not" / "made")
    assert existing_part(tmp_path / "a.mp4") == tmp_path  # a file is no folder


def test_a_folder_that_need_not_exist_can_be_written_to(tmp_path):
    assert writing_problem(tmp_path) == writing_problem(tmp_path / "not" / "made") == ""
    assert not any(tmp_path.iterdir())


def test_what_stands_in_the_way_of_writing(monkeypatch, tmp_path):
    (tmp_path / "a.mp4").touch()
    assert writing_problem(tmp_path / "a.mp4") == "it is not a folder"

    def refuse(path, content):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert writing_problem(tmp_path) == "Read-only file system"


@pytest.mark.parametrize("in_the_way", ["file", "link to itself", "link to nothing"])
def test_what_is_in_the_way_of_a_folder_is_named(tmp_path, in_the_way):
    path = tmp_path / "here"
    if in_the_way == "file":
        path.touch()
    else:
        path.symlink_to(path if in_the_way == "link to itself" else "nothing")
    with pytest.raises(OSError) as caught:
        make_folder(path / "below" if in_the_way == "file" else path)
    assert "is a file, or a link that leads nowhere" in advice_for(caught.value)


@pytest.fixture
def unchangeable(monkeypatch):
    """As a mount of cloud storage without a write cache: files are written once, from start to end."""
    usual = Path.open

    def write_once(path, mode="r", *arguments, **options):
        if "+" in mode and path.is_file() and path.stat().st_size:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return usual(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", write_once)


def test_a_disk_whose_files_cannot_be_changed(unchangeable, tmp_path):
    with pytest.raises(OSError, match="cannot be changed after they are written") as caught:
        check_writable(tmp_path, "check")
    assert "write cache" in advice_for(caught.value)
    assert not any(tmp_path.iterdir())
