"""The machine a command runs on: its device, its memory, and progress on the terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from ..errors import SettingsError
from ..runtime import DeviceMemory, LocalRuntime

PROCESS_STATUS = Path("/proc/self/status")
DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def chosen_device(name: str) -> torch.device:
    """'auto' is CUDA where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise SettingsError(f"The device '{name}' cannot be used here ({reason}). Use --device cpu.") from error
    return device


def chosen_dtype(name: str, device: torch.device) -> torch.dtype | None:
    """'auto' is the weights file's own dtype on a card, and float32 on the CPU, where halves are slow."""
    if name == "auto":
        return torch.float32 if device.type == "cpu" else None
    return DTYPES[name]


def peak_memory_mb() -> float | None:
    """The most memory this process has held; None on Windows, which does not tell through Python.

    Linux tells by itself: its resource usage begins with that of the process that started this one.
    """
    if sys.platform == "win32":
        return None
    if PROCESS_STATUS.exists():
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", PROCESS_STATUS.read_text(encoding="ascii"))
        return int(peak) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def machine_memory_bytes() -> int | None:
    """What the machine has in all; None on Windows, which does not tell through Python."""
    if sys.platform == "win32":
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class TerminalRuntime(LocalRuntime):
    """Progress as one line on stderr that keeps being rewritten; plain lines, and few of them, into a file."""

    def __init__(self, device: torch.device, terminal: TextIO = sys.stderr) -> None:
        super().__init__(device)
        self._terminal = terminal
        self._started = time.monotonic()
        self._shown_percent = -1

    def memory(self) -> DeviceMemory | None:
        """On the CPU all that the machine has."""
        total = machine_memory_bytes() if self.device.type == "cpu" else None
        return super().memory() if total is None else DeviceMemory(total, holds_parts=False)

    def notify(self, text: str) -> None:
        if text:
            self._terminal.write(f"\r{text}\n" if self._terminal.isatty() else f"{text}\n")
            self._terminal.flush()

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        percent = 100 * done // total
        is_live = self._terminal.isatty()
        if percent == self._shown_percent or not (is_live or percent % 10 == 0):
            return
        self._shown_percent = percent
        elapsed = time.monotonic() - self._started
        left = elapsed / done * (total - done)
        text = f"{percent:3d} %  {elapsed:.0f} s gone, about {left:.0f} s to go"
        self._terminal.write(f"\r{text}   " if is_live and done < total else f"{text}\n")
        self._terminal.flush()
