import errno
import os
from argparse import Namespace

import pytest

from hallo2_core.cli.result import check_folder, chosen_place, printed_if_unwritten
from hallo2_core.errors import SettingsError


def chosen(out, job=None, fresh=False):
    path, folder = chosen_place(Namespace(out=out, job=job, fresh=fresh))
    return path.name, folder.name


@pytest.mark.parametrize("there", [(), ("a.mp4",), ("a.mp4.hallo2",), ("a.mp4", "a.mp4.hallo2")], ids=str)
def test_a_video_is_gone_on_with_unless_a_fresh_one_is_asked_for(tmp_path, there):
    for name in there:
        (tmp_path / name).mkdir()
    assert chosen(tmp_path / "a.mp4") == ("a.mp4", "a.mp4.hallo2")
    number = "-2" if there else ""
    assert chosen(tmp_path / "a.mp4", fresh=True) == (f"a{number}.mp4", f"a{number}.mp4.hallo2")


def test_fresh_takes_the_first_name_of_which_neither_video_nor_job_is_there(tmp_path):
    for name in ("a.mp4", "a-2.mp4.hallo2", "a-3.mp4"):
        (tmp_path / name).mkdir()
    assert chosen(tmp_path / "a.mp4", fresh=True) == ("a-4.mp4", "a-4.mp4.hallo2")


def test_a_folder_of_ones_own_is_numbered_too(tmp_path, monkeypatch):
    (tmp_path / "job").mkdir()
    assert chosen(tmp_path / "a.mp4", tmp_path / "job") == ("a.mp4", "job")
    assert chosen(tmp_path / "a.mp4", tmp_path / "job", fresh=True) == ("a-2.mp4", "job-2")
    monkeypatch.chdir(tmp_path / "job")
    for fresh in (False, True):
        assert chosen(tmp_path / "a.mp4", tmp_path.relative_to(tmp_path), fresh)[1] == ("job-2" if fresh else "job")


def test_results_go_to_a_folder_that_can_be_made_and_not_into_a_file(tmp_path):
    check_folder(tmp_path / "not" / "made")
    (tmp_path / "a.mp4").touch()
    with pytest.raises(SettingsError, match=r"--out .*a\.mp4: it is not a folder. Choose another folder"):
        check_folder(tmp_path / "a.mp4")


def test_a_result_whose_files_cannot_be_written_is_printed(tmp_path, capsys):
    with pytest.raises(SettingsError, match="could be written to .*: No space left on device. Make room there."):
        with printed_if_unwritten("psnr 30.1", tmp_path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert capsys.readouterr().out == "psnr 30.1\n"
