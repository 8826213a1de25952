import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.training import records as records_module
from hallo2_core.training.records import RecordShards, RecordSource, missing_shards, shard_metadata, write_shard


def test_records_are_found_across_shards(tmp_path):
    write_shard([{"a": torch.full((n + 1, 2), n)} for n in range(3)], tmp_path / "x-0.safetensors")
    write_shard([{"a": torch.full((9, 2), n)} for n in range(3, 5)], tmp_path / "x-1.safetensors")
    records = RecordShards(tmp_path)
    assert len(records) == 5
    for number in range(5):
        assert (records.read(number, "a") == number).all()
    assert records.rows(1, "a") == 2 and records.rows(4, "a") == 9
    assert records.read(4, "a", slice(2, 5)).shape == (3, 2)
    assert records.read(4, "a", 3).shape == (2,)


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="hallo2 prepare"):
        RecordShards(tmp_path)


def test_a_source_counts_as_often_as_it_is_repeated(tmp_path):
    write_shard([{"a": torch.tensor([n])} for n in range(2)], tmp_path / "once" / "x-0.safetensors")
    write_shard([{"a": torch.tensor([10])}], tmp_path / "thrice" / "x-0.safetensors")
    records = RecordShards(RecordSource(tmp_path / "once"), RecordSource(tmp_path / "thrice", 3))
    assert [int(records.read(number, "a")) for number in range(len(records))] == [0, 1, 10, 10, 10]


def test_more_shards_than_stay_open_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records_module, "MOST_OPEN_SHARDS", 2)
    for number in range(5):
        write_shard([{"a": torch.tensor([number])}], tmp_path / f"x-{number}.safetensors")
    records = RecordShards(tmp_path)
    order = [0, 4, 2, 1, 4, 3, 0]
    assert [int(records.read(number, "a")) for number in order] == order
    assert len(records._open) == 2


def test_a_shard_without_records_and_its_metadata(tmp_path):
    write_shard([], tmp_path / "x-0.safetensors", {"next_frame": "7"})
    write_shard([{"a": torch.tensor([1])}], tmp_path / "x-1.safetensors")
    assert shard_metadata(tmp_path / "x-0.safetensors")["next_frame"] == "7"
    records = RecordShards(tmp_path)
    assert len(records) == 1 and int(records.read(0, "a")) == 1


def test_optional_tensors_are_told_apart(tmp_path):
    write_shard([{"a": torch.tensor([1])}, {"b": torch.tensor([1])}], tmp_path / "x-0.safetensors")
    records = RecordShards(tmp_path)
    assert records.has(0, "a") and not records.has(1, "a")


def test_only_missing_shards_are_written(tmp_path):
    made = []

    def records_of(number):
        made.append(number)
        return [{"a": torch.tensor([number])}, {"a": torch.tensor([-number])}]

    paths = list(missing_shards(tmp_path, "x", range(3, 8), 2, records_of))
    assert [path.name for path in paths] == [f"x-{first:06d}.safetensors" for first in (3, 5, 7)]
    records = RecordShards(tmp_path)
    assert [int(records.read(number, "a")) for number in range(10)] == [3, -3, 4, -4, 5, -5, 6, -6, 7, -7]
    paths[1].unlink()
    made.clear()
    assert list(missing_shards(tmp_path, "x", range(3, 8), 2, records_of)) == paths
    assert made == [5, 6]
