import errno
import tempfile

from hallo2_core.storage.folders import existing_part, writing_problem


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

    def refuse(dir):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert writing_problem(tmp_path) == "Read-only file system"
