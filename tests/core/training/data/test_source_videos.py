import json

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.training.data.dataset_config import Dataset
from hallo2_core.training.data.source_videos import source_videos


def test_a_folder_has_its_videos_with_the_captions_beside_them(tmp_path):
    for name in ("b.mp4", "a.MOV", "a.mp4", "notes.pdf"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "b.txt").write_text("a person\n  talks\n")
    found = source_videos(Dataset("cache", video_directory=str(tmp_path)))
    assert [(video.name, video.caption) for video in found] == [
        ("a.MOV", ""),
        ("a.mp4", ""),
        ("b.mp4", "a person talks"),
    ]
    assert all(video.sound == video.video for video in found)
    assert len({video.key for video in found}) == 3


def test_a_jsonl_file_names_videos_sounds_and_captions_from_its_own_folder(tmp_path):
    path = tmp_path / "list.jsonl"
    lines = [{"video_path": "x/a.mp4", "caption": "one", "audio_path": "a.wav"}, {"video_path": "y/a.mp4"}]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    first, second = source_videos(Dataset("cache", video_jsonl_file=str(path)))
    assert (first.video, first.sound, first.caption) == (tmp_path / "x" / "a.mp4", tmp_path / "a.wav", "one")
    assert second.sound == second.video == tmp_path / "y" / "a.mp4"
    assert first.key != second.key


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"video_path": "a.mp4"', "line 2 is not JSON"),
        ('{"caption": "a.mp4"}', "no video_path"),
        ('{"video_path": "b.mp4", "control_path": "c"}', "'control_path'"),
        ('{"video_path": "b.mp4", "caption": 3}', "'caption': 3"),
        ('{"video_path": "a.mp4"}', "lists a.mp4 again"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, said):
    path = tmp_path / "list.jsonl"
    path.write_text('{"video_path": "a.mp4"}\n' + line)
    with pytest.raises(SettingsError) as error:
        source_videos(Dataset("cache", video_jsonl_file=str(path)))
    assert said in str(error.value)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="There is no folder"):
        source_videos(Dataset("cache", video_directory=str(tmp_path / "x")))
    with pytest.raises(SettingsError, match="has no video"):
        source_videos(Dataset("cache", video_directory=str(tmp_path)))
    with pytest.raises(SettingsError, match="cannot be read"):
        source_videos(Dataset("cache", video_jsonl_file=str(tmp_path / "x")))


def test_the_stamp_follows_the_files_and_the_caption(tmp_path):
    def stamp():
        return source_videos(Dataset("cache", video_directory=str(tmp_path)))[0].stamp()

    (tmp_path / "a.mp4").write_bytes(b"1")
    first = stamp()
    assert stamp() == first
    (tmp_path / "a.txt").write_text("other")
    second = stamp()
    (tmp_path / "a.mp4").write_bytes(b"12")
    assert len({first, second, stamp()}) == 3
