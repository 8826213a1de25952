"""Training data on disk: records of named tensors in safetensors shards, written atomically, read tensor by tensor.

A record is one actor's pictures, one performance with its sound, or one clip of a video. Shards are memory-mapped: a
step reads only what it needs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import SettingsError
from ..storage.durable import replace_file

FRAMES, LATENTS = "frames", "latents"  # tensors that several kinds of records have
COUNT = "records"
SHARD_ENDING = ".safetensors"
MOST_OPEN_SHARDS = 512  # a data set may have a shard for each of many thousand videos


@dataclass(frozen=True)
class RecordSource:
    """A folder of shards whose records count `num_repeats` times."""

    folder: Path
    num_repeats: int = 1


def write_shard(records: Sequence[Mapping[str, Tensor]], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a shard atomically. metadata: is stored with it, see `shard_metadata`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"{number}/{name}": value for number, record in enumerate(records) for name, value in record.items()}
    metadata = {**(metadata or {}), COUNT: str(len(records))}
    replace_file(path, save({key: value.contiguous() for key, value in tensors.items()}, metadata=metadata))


def shard_metadata(path: Path) -> Mapping[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def missing_shards(
    folder: Path, name: str, numbers: range, per_shard: int, records_of: Callable[[int], Iterable[Mapping[str, Tensor]]]
) -> Iterator[Path]:
    """Yield the shards of these numbers, `per_shard` of them in each, and write those that do not exist yet. Existing
    ones are kept unchanged, so a stopped run continues where it was.

    records_of: the records that a number contributes.
    """
    for start in range(0, len(numbers), per_shard):
        some = numbers[start : start + per_shard]
        path = folder / f"{name}-{some[0]:06d}{SHARD_ENDING}"
        if not path.is_file():
            write_shard([record for number in some for record in records_of(number)], path)
        yield path


class RecordShards:
    """All records of the sources' shards, in order of file names. A repeated source's follow one another as often."""

    def __init__(self, *sources: RecordSource | Path | str) -> None:
        """sources: a path is a folder without repeats. Errors: SettingsError if one has no shard, or all are empty."""
        self._shards: list[Path] = []
        for source in sources:
            source = source if isinstance(source, RecordSource) else RecordSource(Path(source))
            own = sorted(source.folder.glob(f"*{SHARD_ENDING}"))
            if not own:
                raise SettingsError(
                    f"{source.folder} holds no training data (*{SHARD_ENDING}). Make it with 'hallo2 prepare'."
                )
            self._shards += own * source.num_repeats
        counts = {path: int(shard_metadata(path)[COUNT]) for path in dict.fromkeys(self._shards)}
        if not any(counts.values()):
            raise SettingsError(f"{self._shards[0].parent} has shards without a single record. Make others.")
        self._ends = list(accumulate(counts[path] for path in self._shards))
        self._open: OrderedDict[Path, safe_open] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        return self._ends[-1]

    def has(self, number: int, name: str) -> bool:
        """Whether record `number` has this tensor; those that describe only some data are optional."""
        file, key = self._place(number, name)
        return key in file.keys()

    def read(self, number: int, name: str, rows: slice | int | tuple[slice | int, ...] | None = None) -> Tensor:
        """A tensor of record `number`, or some of its rows; with a tuple, a part of these too."""
        file, key = self._place(number, name)
        return file.get_tensor(key) if rows is None else file.get_slice(key)[rows]

    def rows(self, number: int, name: str) -> int:
        file, key = self._place(number, name)
        return file.get_slice(key).get_shape()[0]

    def _place(self, number: int, name: str) -> tuple[safe_open, str]:
        shard = bisect_right(self._ends, number)
        return self._file(self._shards[shard]), f"{number - (self._ends[shard - 1] if shard else 0)}/{name}"

    def _file(self, path: Path) -> safe_open:
        if path not in self._open:
            self._open[path] = safe_open(path, framework="pt")
            if len(self._open) > MOST_OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open.move_to_end(path)
        return self._open[path]
