from hallo2_core.storage.free_path import free_path


def test_free_path(tmp_path):
    path = tmp_path / "a.b.mp4"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "a.b-2.mp4").touch()
    assert free_path(path) == tmp_path / "a.b-3.mp4"
