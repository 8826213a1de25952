"""The machine a command runs on: its device, its memory, and progress on the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import psutil
import torch
from torch import Tensor
from tqdm import tqdm

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


def peak_memory_mb() -> float:
    """The most memory this process has held.

    On Linux from the process's own status: its resource usage starts at that of the process that started it.
    """
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 2**20
    if PROCESS_STATUS.exists():
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", PROCESS_STATUS.read_text(encoding="ascii"))
        return int(peak) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class TerminalRuntime(LocalRuntime):
    """Progress on stderr: a bar on a terminal, a line every ten percent in a file."""

    def __init__(self, device: torch.device, terminal: TextIO = sys.stderr) -> None:
        super().__init__(device)
        self._terminal = terminal
        self._bar: tqdm | None = None

    def memory(self) -> DeviceMemory | None:
        """On the CPU: all that the machine has."""
        if self.device.type != "cpu":
            return super().memory()
        return DeviceMemory(psutil.virtual_memory().total, holds_parts=False)

    def notify(self, text: str) -> None:
        if text:
            tqdm.write(text, file=self._terminal)
            self._terminal.flush()

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        if self._bar is None:
            is_live = self._terminal.isatty()
            self._bar = tqdm(
                total=total,
                initial=done - 1,  # where a job goes on, so that the time left is that of the rest
                unit="step",
                file=self._terminal,
                dynamic_ncols=is_live,
                mininterval=0.1 if is_live else 0,
                miniters=1 if is_live else max(1, total // 10),
            )
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None
