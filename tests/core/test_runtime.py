import weakref
from types import SimpleNamespace

import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from torch import nn

from hallo2_core.runtime import DeviceMemory, LocalRuntime, RuntimeWrapper, is_out_of_memory


def test_modules_are_brought_to_the_device_together():
    runtime, modules = LocalRuntime("meta"), (nn.Linear(2, 2), nn.Linear(2, 2))
    assert runtime.device == torch.device("meta")
    runtime.ready(*modules)
    assert {parameter.device.type for module in modules for parameter in module.parameters()} == {"meta"}


@pytest.mark.parametrize(
    ("asked", "found", "is_there"),
    [("cuda", "cuda:1", True), ("cuda:1", "cuda:1", True), ("cuda:0", "cuda:1", False), ("cuda", "cpu", False)],
)
def test_what_is_on_the_device_already_is_left_alone(asked, found, is_there):
    class Moved(nn.Module):
        def parameters(self):
            return iter([SimpleNamespace(device=torch.device(found), nbytes=0)])

        def to(self, device):
            moved.append(device)

    moved = []
    LocalRuntime(asked).ready(Moved())
    assert moved == ([] if is_there else [torch.device(asked)])


def test_a_processor_has_no_room_for_two_networks_at_once_and_says_nothing_of_its_memory():
    assert not LocalRuntime().has_room(0) and LocalRuntime().memory() is None


def test_a_card_has_room_for_what_is_free_and_memory_for_what_is_its_own_too(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 5000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 200)
    runtime = LocalRuntime("cuda")
    assert runtime.has_room(1000) and not LocalRuntime("cuda").has_room(1001)
    assert runtime.memory() == DeviceMemory(1200, "one network")


def test_one_around_another_passes_all_on():
    runtime = RecordingRuntime(cancel_after=1)
    around, network = RuntimeWrapper(runtime), nn.Linear(2, 2)
    around.ready(network)
    around.check_cancelled()
    around.progress(1, 2, torch.zeros(2, 2, 3))
    with pytest.raises(PressedCancelError):
        around.check_cancelled()
    assert around.device == runtime.device and not around.has_room(0) and around.memory() is None
    assert runtime.made_ready == [(network,)] and runtime.reports == [(1, 2)] and len(runtime.previews) == 1


def test_what_is_told_goes_into_the_log_but_for_nothing(caplog):
    caplog.set_level("INFO", "hallo2")
    for text in ("18 frames in 5 clips", ""):
        RuntimeWrapper(LocalRuntime()).notify(text)
    assert caplog.messages == ["18 frames in 5 clips"]


def test_nobody_cancels_and_nobody_watches():
    runtime = LocalRuntime()
    assert runtime.check_cancelled() is None and runtime.progress(1, 2, torch.zeros(2, 2, 3)) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
        (PressedCancelError(), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected
    assert RuntimeWrapper(LocalRuntime()).is_out_of_memory(error) is expected


def test_the_processor_running_out_of_memory_is_recognized():
    with pytest.raises(RuntimeError) as failed:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(failed.value)


def test_freeing_memory_collects_cycles_and_empties_the_cards_cache(monkeypatch):
    class Cycle:
        def __init__(self):
            self.itself = self

    emptied, gone = [], weakref.ref(Cycle())
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(gone()))
    RuntimeWrapper(LocalRuntime()).free_memory()
    assert not emptied and gone() is None
    RuntimeWrapper(LocalRuntime("cuda")).free_memory()
    assert emptied == [None]
