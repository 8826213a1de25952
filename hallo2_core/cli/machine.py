"""The machine a command runs on: its device, its memory, and progress on the terminal."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TextIO

import psutil
import torch
from torch import Tensor
from tqdm import tqdm

from ..errors import SettingsError
from ..runtime import DeviceMemory, LocalRuntime
from ..shown_text import lines

GIBIBYTE = 2**30
PROCESS_STATUS = Path("/proc/self/status")


def chosen_device(name: str) -> torch.device:
    """'auto' is CUDA if available, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise SettingsError(f"The device '{name}' cannot be used here ({reason}). Use --device cpu.") from error
    return device


def add_models_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="a folder with ComfyUI's layout (models)"
    )


def add_device_argument(group: argparse._ActionsContainer) -> None:
    group.add_argument("--device", default="auto", help="cuda, cpu, …; auto: CUDA if available, else the CPU")


def add_device_arguments(group: argparse._ArgumentGroup) -> None:
    add_device_argument(group)
    group.add_argument("--vram-gb", type=float, metavar="GB", help="use at most this much device memory (default: "
                       "what is free); networks that do not fit wait on the CPU until they are needed")  # fmt: skip


def chosen_runtime(arguments: argparse.Namespace) -> TerminalRuntime:
    """The runtime for the options of `add_device_arguments`."""
    device, vram_gb = chosen_device(arguments.device), arguments.vram_gb
    if vram_gb is None:
        return TerminalRuntime(device)
    if device.type == "cpu":
        raise SettingsError("--vram-gb limits GPU memory, but the device is the CPU. Omit it.")
    if not vram_gb > 0:
        raise SettingsError(f"--vram-gb is {vram_gb:g}; choose more than 0, for example 8.")
    return TerminalRuntime(device, budget_bytes=vram_gb * GIBIBYTE)


def peak_memory_mb() -> float:
    """Peak memory of this process, in MiB.

    On Linux it is read from the process's status, because `getrusage` starts from the parent's peak.
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

    def __init__(
        self,
        device: torch.device,
        terminal: TextIO | None = None,
        budget_bytes: float | None = None,
        unit: str = "step",
    ) -> None:
        """terminal: stderr if None. unit: of progress; "B" shows kB, MB and GB."""
        super().__init__(device, budget_bytes)
        self._terminal, self._unit = terminal or sys.stderr, unit
        self._bar: tqdm | None = None
        self._is_announced = False  # where the growing video is

    def memory(self) -> DeviceMemory | None:
        """On the CPU: the machine's total memory."""
        if self.device.type != "cpu":
            return super().memory()
        return DeviceMemory(psutil.virtual_memory().total, "every network")

    def notify(self, text: str) -> None:
        if text:
            tqdm.write(lines(text), file=self._terminal)
            self._terminal.flush()

    def watchable(self, video: Path) -> None:
        if not self._is_announced:
            self._is_announced = True
            self.notify(f"What is finished can be watched: {video}")

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=total,
                initial=done - 1,  # the steps of earlier runs do not count toward the estimated time
                unit=self._unit,
                unit_scale=self._unit == "B",
                file=self._terminal if self._terminal.isatty() else _Lines(self._terminal),
                dynamic_ncols=self._terminal.isatty(),
                mininterval=0.1 if self._terminal.isatty() else 0,
                miniters=1 if self._terminal.isatty() else max(1, total // 10),
            )
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
            self._bar = None


class _Lines:
    """Turns a bar that rewrites its line into lines of a file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        if line := text.strip():
            self._file.write(f"{line}\n")

    def flush(self) -> None:
        self._file.flush()
