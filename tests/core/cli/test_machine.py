import argparse
import io

import psutil
import pytest
import torch

from hallo2_core.cli.machine import TerminalRuntime, add_device_arguments, chosen_runtime, peak_memory_mb
from hallo2_core.errors import SettingsError
from hallo2_core.runtime import DeviceMemory


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


def test_the_growing_video_is_announced_once(tmp_path):
    out = io.StringIO()
    runtime = TerminalRuntime(torch.device("cpu"), out)
    for video in ("growing.mp4", "growing.mp4", "finished.mp4"):
        runtime.watchable(tmp_path / video)
    assert out.getvalue() == f"What is finished can be watched: {tmp_path / 'growing.mp4'}\n"


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
    lines = out.getvalue().splitlines()
    assert 5 <= len(lines) <= 15 and all("step" in line for line in lines) and "\r" not in out.getvalue()


def test_on_the_processor_there_is_what_the_machine_has():
    memory = TerminalRuntime(torch.device("cpu")).memory()
    assert memory.bytes == psutil.virtual_memory().total and memory.at_once == "every network"


def test_the_peak_is_at_least_what_is_held_now():
    assert peak_memory_mb() >= 0.9 * psutil.Process().memory_info().rss / 2**20


def arguments(*given):
    parser = argparse.ArgumentParser()
    add_device_arguments(parser)
    return parser.parse_args(given)


def test_a_budget_is_that_of_the_runtime():
    memory = chosen_runtime(arguments("--device", "meta", "--vram-gb", "7.5")).memory()
    assert memory == DeviceMemory(int(7.5 * 2**30), "one network")
    assert chosen_runtime(arguments("--device", "meta")).memory() is None


@pytest.mark.parametrize(
    ("given", "message"),
    [(["--vram-gb", "8"], "the device is the CPU"), (["--device", "meta", "--vram-gb", "0"], "more than 0")],
)
def test_a_budget_that_limits_nothing_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        chosen_runtime(arguments("--device", "cpu", *given) if "meta" not in given else arguments(*given))
