import io

import psutil
import pytest
import torch

from hallo2_core.cli.machine import TerminalRuntime, peak_memory_mb


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_what_is_said_is_a_line_of_its_own(out):
    runtime = TerminalRuntime(torch.device("cpu"), out)
    runtime.progress(1, 4)
    runtime.notify("18 frames in 5 clips")
    runtime.notify("")
    assert "18 frames in 5 clips" in out.getvalue().replace("\r", "\n").splitlines()


def test_progress_goes_from_where_it_starts_to_the_end():
    out = Terminal()
    runtime = TerminalRuntime(torch.device("cpu"), out)
    for done in range(41, 51):
        runtime.progress(done, 50)
    last = out.getvalue().strip().split("\r")[-1]
    assert "100%" in last and "50/50" in last


def test_a_log_file_gets_few_lines():
    out = io.StringIO()
    runtime = TerminalRuntime(torch.device("cpu"), out)
    for done in range(1, 1001):
        runtime.progress(done, 1000)
    assert 5 <= out.getvalue().count("%") <= 15


def test_on_the_processor_there_is_what_the_machine_has():
    memory = TerminalRuntime(torch.device("cpu")).memory()
    assert memory.bytes == psutil.virtual_memory().total and not memory.holds_parts


def test_the_peak_is_at_least_what_is_held_now():
    assert peak_memory_mb() >= 0.9 * psutil.Process().memory_info().rss / 2**20
