import multiprocessing
import os
import signal
from dataclasses import dataclass, replace

import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.training.batches import batches_of
from hallo2_core.training.settings import TrainSettings


@dataclass(frozen=True)
class Numbers:
    values: torch.Tensor
    made_in: int  # process


class CountingStage:
    name = "counting"

    def batch(self, numbers):
        return Numbers(torch.tensor(list(numbers)), os.getpid())


SETTINGS = TrainSettings("unused", max_train_steps=3, train_batch_size=8, gradient_accumulation_steps=2)


def made(settings, step=0, process=0, processes=1):
    return list(batches_of(CountingStage().batch, settings, step, process, processes))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_from_the_step_that_a_run_resumes_at(workers):
    found = made(replace(SETTINGS, dataloader_num_workers=workers), step=1)
    assert [batch.values.tolist() for batch in found] == [
        [8, 9, 10, 11], [12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23],
    ]  # fmt: skip
    assert (os.getpid() in {batch.made_in for batch in found}) == (workers == 0)


def test_processes_share_each_batch():
    shares = [made(SETTINGS, step=2, process=process, processes=2) for process in range(2)]
    assert [[batch.values.tolist() for batch in share] for share in shares] == [
        [[16, 17], [18, 19]], [[20, 21], [22, 23]],
    ]  # fmt: skip


def test_workers_survive_the_ctrl_c_that_the_loop_waits_for():
    class Interrupting(CountingStage):
        def batch(self, numbers):
            os.kill(os.getpid(), signal.SIGINT)
            return super().batch(numbers)

    settings = replace(SETTINGS, dataloader_num_workers=1)
    assert len(list(batches_of(Interrupting().batch, settings, 0, 0, 1))) == 6


def test_where_processes_cannot_be_forked_workers_are_refused(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(SettingsError, match="dataloader_num_workers is 2, but this system cannot fork.*Set it to 0"):
        made(replace(SETTINGS, dataloader_num_workers=2))
