import errno
import os

import pytest

from hallo2_core.storage.free_path import free_path
from hallo2_core.storage.presence import is_file, is_there


def test_as_path_says(tmp_path):
    (tmp_path / "a").touch()
    for path in (tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "a" / "b"):
        assert is_there(path) == path.exists() and is_file(path) == path.is_file()
    assert not is_there("no\0name")


@pytest.mark.parametrize("ask", [is_there, is_file, free_path])
def test_a_disk_that_does_not_answer_does_not_say_no(tmp_path, monkeypatch, ask):
    """Under a name taken for free, another video would be overwritten."""

    def unreachable(*_arguments, **_named):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "stat", unreachable)
    with pytest.raises(OSError, match="Stale"):
        ask(tmp_path / "a")
