"""Training data on disk: records of named tensors in safetensors shards, written atomically, read tensor by tensor.

A record is one actor's pictures, or one performance with its sound. Shards are memory-mapped: a step reads only what
it needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import SettingsError
from ..storage.durable import replace_file

COUNT = "records"


def write_shard(records: Sequence[Mapping[str, Tensor]], path: Path) -> None:
    """Write a shard atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"{number}/{name}": value for number, record in enumerate(records) for name, value in record.items()}
    content = save({key: value.contiguous() for key, value in tensors.items()}, metadata={COUNT: str(len(records))})
    replace_file(path, content)


class RecordShards:
    """All records of a folder's shards, in order of file names."""

    def __init__(self, folder: Path | str) -> None:
        """Errors: SettingsError if the folder has no shard."""
        paths = sorted(Path(folder).glob("*.safetensors"))
        if not paths:
            raise SettingsError(f"{folder} holds no training data (*.safetensors). Make it with 'hallo2 prepare'.")
        self._files = [safe_open(path, framework="pt") for path in paths]
        self._ends = list(accumulate(int(file.metadata()[COUNT]) for file in self._files))

    def __len__(self) -> int:
        return self._ends[-1]

    def read(self, number: int, name: str, rows: slice | int | None = None) -> Tensor:
        """A tensor of record `number`, or some of its rows."""
        file, key = self._place(number, name)
        return file.get_tensor(key) if rows is None else file.get_slice(key)[rows]

    def rows(self, number: int, name: str) -> int:
        file, key = self._place(number, name)
        return file.get_slice(key).get_shape()[0]

    def _place(self, number: int, name: str) -> tuple[safe_open, str]:
        shard = bisect_right(self._ends, number)
        return self._files[shard], f"{number - (self._ends[shard - 1] if shard else 0)}/{name}"
