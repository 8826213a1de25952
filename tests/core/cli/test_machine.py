import io
import sys

import pytest
import torch

from hallo2_core.cli.machine import TerminalRuntime, machine_memory_bytes


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_is_told_is_a_line_of_its_own():
    file, terminal = io.StringIO(), Terminal()
    for out in (file, terminal):
        runtime = TerminalRuntime(torch.device("cpu"), out)
        runtime.notify("18 frames in 5 clips")
        runtime.notify("")
    assert file.getvalue() == "18 frames in 5 clips\n" and terminal.getvalue() == "\r18 frames in 5 clips\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell through Python")
def test_on_the_processor_there_is_what_the_machine_has():
    memory = TerminalRuntime(torch.device("cpu")).memory()
    assert memory.bytes == machine_memory_bytes() > 2**30 and not memory.holds_parts
