"""The batches of a run, in order: made when a step asks for them, or ahead of it in worker processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from ..errors import SettingsError
from .draws import samples_of
from .settings import TrainSettings

MakeBatch = Callable[[Sequence[int]], Any]  # from the samples' numbers; each stage has its own


class _Batches(Dataset):
    def __init__(self, make: MakeBatch) -> None:
        self._make = make

    def __getitem__(self, numbers: Sequence[int]) -> Any:  # noqa: ANN401 - each stage's own
        return self._make(numbers)


def batches_of(make: MakeBatch, settings: TrainSettings, step: int, process: int, processes: int) -> Iterator[Any]:
    """Yields what this process computes from `step` on: `gradient_accumulation_steps` batches a step, on the CPU.

    A batch follows from its samples' numbers, so it is the same whoever makes it.
    Errors: SettingsError if workers are asked for where processes cannot be forked.
    """
    passes = settings.gradient_accumulation_steps
    numbers = (
        samples_of(at, settings.train_batch_size, process * passes + number, passes * processes)
        for at in range(step, settings.max_train_steps)
        for number in range(passes)
    )
    if not settings.dataloader_num_workers:
        return map(make, numbers)
    if "fork" not in multiprocessing.get_all_start_methods():
        raise SettingsError(
            f"dataloader_num_workers is {settings.dataloader_num_workers}, but this system cannot fork processes. "
            "Set it to 0: batches are then made between the steps."
        )
    return iter(
        DataLoader(
            _Batches(make),
            batch_size=None,
            sampler=numbers,
            num_workers=settings.dataloader_num_workers,
            multiprocessing_context="fork",
            worker_init_fn=_leave_signals_to_the_loop,
            pin_memory=torch.cuda.is_available(),
        )
    )


def _leave_signals_to_the_loop(_worker: int) -> None:
    """Ctrl+C reaches all processes of a terminal: the loop finishes its step and then ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
