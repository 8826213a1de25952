"""Names in a list reach nothing outside of the folders and addresses that they may reach."""

import fsspec
import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.farm.storage import fetched, inside

BUCKET = "s3://bucket/talks"


@pytest.mark.parametrize("name", ["anna.png", "new/anna.png", "new/../anna.png", "./anna.png"])
def test_names_in_a_folder_become_paths(tmp_path, name):
    assert inside(str(tmp_path), name) == str((tmp_path / name).resolve())
    assert inside(f"{tmp_path}/", name) == str((tmp_path / name).resolve())


def test_a_whole_path_or_address_may_be_given(tmp_path):
    assert inside(str(tmp_path), str(tmp_path / "anna.png")) == str(tmp_path / "anna.png")
    assert inside(BUCKET, f"{BUCKET}/anna.png") == f"{BUCKET}/anna.png"
    assert inside(f"{BUCKET}/", "new/anna.png") == f"{BUCKET}/new/anna.png"


def test_links_that_the_user_made_are_followed(tmp_path):
    (tmp_path / "storage").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "storage" / "talks").symlink_to(tmp_path / "elsewhere")
    assert inside(str(tmp_path / "storage"), "talks/anna.png").endswith("storage/talks/anna.png")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../anna.png", "new/../../anna.png", "/etc/passwd", "s3://bucket/anna.png", "file:///etc/passwd"],
)
def test_nothing_outside_of_a_folder(tmp_path, name):
    (tmp_path / "storage").mkdir()
    with pytest.raises(SettingsError, match="is not in"):
        inside(str(tmp_path / "storage"), name)


def test_a_folder_whose_name_begins_alike_is_another(tmp_path):
    with pytest.raises(SettingsError, match="is not in"):
        inside(str(tmp_path / "talks"), str(tmp_path / "talks-of-others" / "anna.png"))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../anna.png",
        "new/../../anna.png",
        "s3://bucket/anna.png",
        "s3://bucket/talks-of-others/anna.png",
        "file:///etc/passwd",
        "http://intranet/secret",
        "simplecache::file:///etc/passwd",
        f"{BUCKET}/anna.png::file:///etc/passwd",
    ],
)
def test_nothing_outside_of_an_address(name):
    with pytest.raises(SettingsError, match="is not in"):
        inside(BUCKET, name)


def test_a_video_at_an_address_is_copied(tmp_path):
    storage = fsspec.filesystem("memory")
    storage.pipe_file("/talks/anna.mp4", b"a video")
    assert fetched("memory://talks/anna.mp4", tmp_path).read_bytes() == b"a video"
    assert fetched(str(tmp_path / "anna.mp4"), tmp_path) == tmp_path / "anna.mp4"
    storage.store.clear()


def test_videos_of_one_name_in_two_folders_stay_apart(tmp_path):
    storage = fsspec.filesystem("memory")
    for folder in ("anna", "ben"):
        storage.pipe_file(f"/{folder}/talking.mp4", folder.encode())
    videos = [fetched(f"memory://{folder}/talking.mp4", tmp_path) for folder in ("anna", "ben")]
    assert [video.read_bytes() for video in videos] == [b"anna", b"ben"]
    storage.store.clear()
