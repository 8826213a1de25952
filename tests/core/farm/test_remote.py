"""Inputs in remote storage: one local copy of each version, which nobody else changes."""

import fsspec
import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.farm.remote import downloaded

ADDRESS = "memory://in/voice.wav"


@pytest.fixture
def storage():
    files = fsspec.filesystem("memory")
    files.pipe_file("/in/voice.wav", b"one")
    yield files
    files.store.clear()


def test_a_file_is_fetched_once(storage, tmp_path, monkeypatch):
    copy = downloaded(ADDRESS, tmp_path)
    stamp = copy.stat()
    monkeypatch.setattr(type(storage), "get_file", lambda *args: pytest.fail("fetched again"))
    assert downloaded(ADDRESS, tmp_path) == copy and copy.stat() == stamp
    assert copy.name == "voice.wav" and copy.read_bytes() == b"one"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [copy]


def test_a_changed_file_leaves_the_copy_that_is_being_read(storage, tmp_path):
    before = downloaded(ADDRESS, tmp_path)
    storage.pipe_file("/in/voice.wav", b"other")
    assert downloaded(ADDRESS, tmp_path).read_bytes() == b"other" and before.read_bytes() == b"one"


def test_two_that_fetch_at_once_have_the_same_file(storage, tmp_path, monkeypatch):
    """The first one's copy stays as it is: it may be open."""
    fetch, stamps = type(storage).get_file, []

    def late(self, path, target, **more):
        monkeypatch.undo()
        stamps.append(downloaded(ADDRESS, tmp_path).stat().st_mtime_ns)
        return fetch(self, path, target, **more)

    monkeypatch.setattr(type(storage), "get_file", late)
    copy = downloaded(ADDRESS, tmp_path)
    assert [copy.stat().st_mtime_ns] == stamps and copy.read_bytes() == b"one"


def test_a_missing_file_is_named(storage, tmp_path):
    with pytest.raises(SettingsError, match="There is no file memory://in/nobody.png"):
        downloaded("memory://in/nobody.png", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
