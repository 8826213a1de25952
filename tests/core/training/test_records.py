import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.training.records import RecordShards, write_shard


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
