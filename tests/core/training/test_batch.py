from dataclasses import dataclass

import torch

from hallo2_core.training.batch import Batch


@dataclass(frozen=True)
class Row:
    value: torch.Tensor


@dataclass(frozen=True)
class Rows(Batch):
    first: torch.Tensor
    levels: tuple[torch.Tensor, ...]
    rows: tuple[Row, ...]
    count: int


@dataclass(frozen=True)
class Pair(Batch):
    rows: Rows
    name: str


def test_a_batch_moves_with_all_that_it_holds():
    one = torch.zeros(2)
    pair = Pair(Rows(one, (one, one), (Row(one),), count=3), name="pair")
    moved = pair.to(torch.device("meta"))
    assert isinstance(moved, Pair) and isinstance(moved.rows, Rows)
    tensors = [moved.rows.first, *moved.rows.levels, moved.rows.rows[0].value]
    assert {tensor.device.type for tensor in tensors} == {"meta"} and len(tensors) == 4
    assert (moved.rows.count, moved.name) == (3, "pair")
    assert pair.rows.first is one
