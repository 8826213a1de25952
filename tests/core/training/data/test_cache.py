import json

from hallo2_core.training.data.cache import remove_others, write_skipped
from hallo2_core.training.data.dataset_config import Dataset
from hallo2_core.training.data.shard_series import VideoReport
from hallo2_core.training.data.skipped import Skipped
from hallo2_core.training.data.source_videos import source_videos


def test_only_files_of_removed_videos_are_deleted(tmp_path):
    (tmp_path / "videos").mkdir()
    for name in ("kept.mp4", "gone.mp4"):
        (tmp_path / "videos" / name).write_bytes(b"")
    dataset, cache = Dataset("cache", video_directory=str(tmp_path / "videos")), tmp_path / "cache"
    cache.mkdir()
    before = source_videos(dataset)
    for video in before:
        for ending in (".json", ".00000.safetensors", ".00001.safetensors"):
            (cache / f"{video.key}{ending}").write_bytes(b"")
    others = [
        "prepared.json",
        "skipped.jsonl",
        "my-notes.json",
        "my-own.00000.safetensors",
        "cartoon_000001.safetensors",
    ]
    for name in others:
        (cache / name).write_bytes(b"")
    remove_others(cache, before)
    assert len(list(cache.iterdir())) == 11
    (tmp_path / "videos" / "gone.mp4").unlink()
    kept = source_videos(dataset)
    remove_others(cache, kept)
    left = {path.name for path in cache.iterdir()} - set(others)
    assert len(left) == 3 and all(name.startswith(kept[0].key) for name in left)


def test_skipped_parts_are_listed_with_the_reason(tmp_path):
    whole = VideoReport("a.mp4", "", 0, 0, (Skipped("damaged", "why"),))
    part = VideoReport("b.mp4", "", 1, 30, (Skipped("no face", "", 1.23456, 2.0),))
    write_skipped(tmp_path, [whole, part])
    first, second = (json.loads(line) for line in (tmp_path / "skipped.jsonl").read_text().splitlines())
    assert first["detail"] == "why" and first["end_seconds"] is None
    assert (second["video_path"], second["start_seconds"], second["end_seconds"]) == ("b.mp4", 1.235, 2.0)
