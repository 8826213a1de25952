import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.training.data.dataset_config import Dataset, read_datasets, record_sources
from hallo2_core.training.records import RecordShards, write_shard

CONFIG = """
[general]
resolution = [128, 128]
caption_extension = ".caption"
num_repeats = 2

[[datasets]]
video_directory = "videos"
cache_directory = "cache/videos"

[[datasets]]
video_jsonl_file = "more.jsonl"
cache_directory = "cache/more"
target_frames = [50]
num_repeats = 1

[[datasets]]
cache_directory = "cartoons"
"""


def written(tmp_path, text):
    path = tmp_path / "set.toml"
    path.write_text(text)
    return path


def test_general_keys_are_defaults_of_every_data_set(tmp_path):
    assert read_datasets(written(tmp_path, CONFIG)) == (
        Dataset("cache/videos", "videos", "", ".caption", 128, 100, 2),
        Dataset("cache/more", "", "more.jsonl", ".caption", 128, 50, 1),
        Dataset("cartoons", "", "", ".caption", 128, 100, 2),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"more.jsonl"', '"more.jsonl"\nvideo_directory = "x"'), "both video_directory and video_jsonl_file"),
        (('"cache/more"', '"cache/videos"'), "twice"),
        (('"cache/videos"', '"./videos"'), "both a video_directory and its cache_directory"),
        (("target_frames = [50]", "target_frames = [25, 50]"), "one length"),
        (("target_frames = [50]", "target_frames = 9"), "25 to 1000"),
        (("num_repeats = 1", "num_repeats = 0"), "num_repeats is 0"),
        (("num_repeats = 1", "batch_size = 4"), "train_batch_size"),
        (("num_repeats = 1", "num_repeat = 4"), "unknown key 'num_repeat'"),
        (("[general]", "[general]\nvideo_directory = 'x'"), "[general] has the key 'video_directory'"),
        (("[128, 128]", "[128, 256]"), "square"),
        (("[128, 128]", "100"), "multiples of 64"),
        (("[[datasets]]", "[[dataset]]"), "dataset"),
        (('cache_directory = "cartoons"', ""), "cache_directory"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, said):
    with pytest.raises(SettingsError) as error:
        read_datasets(written(tmp_path, CONFIG.replace(*change)))
    assert said in str(error.value)


def test_training_reads_a_folder_or_all_folders_of_a_configuration(tmp_path):
    for number, name in enumerate(("a", "b")):
        write_shard([{"x": torch.tensor([number])}], tmp_path / name / "x-0.safetensors")
    (tmp_path / "set.toml").write_text(
        f'[[datasets]]\ncache_directory = "{(tmp_path / "a").as_posix()}"\nnum_repeats = 3\n'
        f'[[datasets]]\ncache_directory = "{(tmp_path / "b").as_posix()}"\n'
    )
    records = RecordShards(*record_sources(str(tmp_path / "set.toml")))
    assert [int(records.read(number, "x")) for number in range(len(records))] == [0, 0, 0, 1]
    assert len(RecordShards(*record_sources(str(tmp_path / "b")))) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('cache_directory = "Köln"'.encode("latin-1"), "is not UTF-8"),
        (b"datasets = [1]", r"expected \[general\]"),
        (b'[[datasets]]\ncache_directory = "a\\u0000"', "null characters"),
        (b"a = " + b"[" * 10_000, "cannot be read"),
    ],
    ids=repr,
)
def test_what_is_no_configuration_is_refused(tmp_path, content, said):
    path = tmp_path / "set.toml"
    path.write_bytes(content[:60_000])
    with pytest.raises(SettingsError, match=said):
        read_datasets(path)
