import gc
import weakref

import pytest
import torch
from stand_ins import RecordingRuntime

from hallo2_core.errors import MemoryShortageError
from hallo2_core.memory_retry import attempts

ADVICE = "Choose a smaller size."


class FreedRuntime(RecordingRuntime):
    def __init__(self):
        super().__init__()
        self.freed, self.said = 0, []

    def free_memory(self):
        self.freed += 1

    def notify(self, text):
        self.said.append(text)


def tried(runtime, fails):
    """How often the work began, of which the first `fails` run out of memory."""
    begun = []
    for attempt in attempts(runtime, ADVICE):
        with attempt:
            begun.append(attempt.is_retry)
            if len(begun) <= fails:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB\nmore")
    return begun


def test_what_succeeds_is_done_once():
    runtime = FreedRuntime()
    assert tried(runtime, 0) == [False] and runtime.freed == 0 and not runtime.said


def test_what_runs_out_of_memory_is_done_again_with_memory_freed():
    runtime = FreedRuntime()
    assert tried(runtime, 1) == [False, True] and runtime.freed == 1
    assert "CUDA out of memory. Tried to allocate 1 GiB" in runtime.said[0] and "more" not in runtime.said[0]


def test_a_second_time_it_stops_and_says_what_to_change():
    runtime = FreedRuntime()
    with pytest.raises(
        MemoryShortageError, match=r"Tried to allocate 1 GiB\)\. Choose a smaller size\. What is finished"
    ):
        tried(runtime, 2)
    assert runtime.freed == 1


def test_other_errors_pass_and_nothing_is_done_again():
    runtime, begun = FreedRuntime(), 0
    with pytest.raises(ValueError, match="another"):
        for attempt in attempts(runtime, ADVICE):
            with attempt:
                begun += 1
                raise ValueError("another")
    assert begun == 1 and runtime.freed == 0


def test_when_memory_is_freed_nothing_of_the_failed_call_is_alive():
    def work(is_retry):
        large = torch.zeros(4)
        seen.append(weakref.ref(large))
        if not is_retry:
            raise MemoryError("not enough")

    class Runtime(FreedRuntime):
        def free_memory(self):
            alive.append(seen[0]() is not None)

    seen, alive = [], []
    gc.disable()
    try:
        for attempt in attempts(Runtime(), ADVICE):
            with attempt:
                work(attempt.is_retry)
    finally:
        gc.enable()
    assert alive == [False]
