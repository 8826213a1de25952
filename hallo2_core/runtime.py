"""The `Runtime` protocol, and its implementation for the command line and the tests."""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from .arithmetic import torch_arithmetic
from .offload import Residents

logger = logging.getLogger("hallo2")

# Messages of plain `RuntimeError`s: asynchronous CUDA errors and Apple devices; cuBLAS; the CPU on Linux and on
# Windows.
OUT_OF_MEMORY_MESSAGES = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class DeviceMemory:
    """The memory available on the device to networks and their working memory together.

    at_once: which part of the networks must be there at the same time; the runtime moves the rest in and out.
    """

    bytes: int
    at_once: Literal["every network", "one network", "one layer"]


class Runtime(Protocol):
    """Device, loading, progress and cancellation. `nodes/host/runtime.py` implements it for ComfyUI."""

    device: torch.device

    def ready(self, *modules: nn.Module) -> None:
        """Move `modules` to the device, together, before they are called. Cheap if they are already there."""

    def has_room(self, working_bytes: float) -> bool:
        """Whether a second thread may run a loaded network while the first runs another. Once True, it stays True until
        `free_memory`.

        False if networks may be moved off the device, if nothing is gained, or if its `working_bytes` do not fit
        beside the first one's work.
        """

    def memory(self) -> DeviceMemory | None:
        """None if unknown."""

    def arithmetic(self) -> Mapping[str, str]:
        """What may change the last bit of a result on this machine, in its settings too: entry → readable value."""

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether the device ran out of memory, so that the same work may succeed in smaller pieces."""

    def free_memory(self) -> None:
        """Free what can be freed, to retry after running out of memory.

        Call it outside the `except` block: the exception keeps the tensors of the failed call alive. Networks may
        be moved off the device, so call `ready` again before the retry.
        """

    def check_cancelled(self) -> None:
        """Raise if the user pressed cancel. Called at every denoising step and between frames."""

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        """Show `done` of `total` steps of the whole job. preview: (h w c) in 0..1, the newest frame."""

    def notify(self, text: str) -> None:
        """Show the user a line about the current work. An empty one clears it."""

    def watchable(self, video: Path) -> None:
        """What is finished plays from this file. Called after each clip, by a second thread, and for the complete
        video."""


class LocalRuntime:
    """Networks stay on one device if they all fit beside the working memory; else idle ones wait on the CPU.

    Progress is only shown by subclasses.

    budget_bytes: for networks and working memory together; None: the GPU's free memory. On other devices free memory
    is unknown, so without a budget all networks stay there.
    working_bytes: working memory beside the networks, see `animation.memory.step_bytes`.
    """

    def __init__(self, device: torch.device | str = "cpu", budget_bytes: float | None = None) -> None:
        self.device = torch.device(device)
        self.working_bytes = 0.0
        self._budget_bytes = budget_bytes
        self._residents = Residents(self.device)
        self._turns = Lock()  # two threads may load networks
        self._is_shared = False  # a second thread runs a network too, so none is moved off the device
        self._was_short = False

    def ready(self, *modules: nn.Module) -> None:
        with self._turns:
            moved_before = self._residents.moved_away
            working_bytes = -math.inf if self._is_shared else math.inf if self._was_short else self.working_bytes
            self._residents.bring(modules, working_bytes, self._free_bytes)
        if self._residents.moved_away > moved_before == 0:
            self.notify("The networks do not all fit on the device: those not in use wait on the CPU.")

    def has_room(self, working_bytes: float) -> bool:
        """On a GPU: if it fits in what the largest work so far left free, and no network had to move. Never on a CPU,
        which one network already keeps busy."""
        with self._turns:
            if self._is_shared or self.device.type != "cuda" or self._was_short or self._residents.moved_away:
                return self._is_shared
            free = torch.cuda.mem_get_info(self.device)[0]
            if self._budget_bytes is not None:
                free = min(free, self._budget_bytes - torch.cuda.memory_reserved(self.device))
            self._is_shared = free >= working_bytes
            return self._is_shared

    def memory(self) -> DeviceMemory | None:
        """The budget, or a GPU's free memory plus what this process already holds there."""
        sizes = [] if self._budget_bytes is None else [self._budget_bytes]
        if self.device.type == "cuda":
            sizes.append(torch.cuda.mem_get_info(self.device)[0] + torch.cuda.memory_reserved(self.device))
        return DeviceMemory(int(min(sizes)), "one network") if sizes else None

    def arithmetic(self) -> Mapping[str, str]:
        return torch_arithmetic(self.device)

    def is_out_of_memory(self, error: Exception) -> bool:
        return is_out_of_memory(error)

    def free_memory(self) -> None:
        """From now on only networks in use stay on the device, and no second thread runs one.

        No other thread may be running a network during the call.
        """
        gc.collect()  # cycles may hold tensors
        with self._turns:
            self._was_short, self._is_shared = True, False
            self._residents.send_all_away()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def check_cancelled(self) -> None:
        return None

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        return None

    def notify(self, text: str) -> None:
        if text:
            logger.info("%s", text)

    def watchable(self, video: Path) -> None:
        return None

    def _free_bytes(self) -> float | None:
        """For networks and working memory. On a GPU, blocks cached by torch count as free."""
        if self.device.type != "cuda":
            return None if self._budget_bytes is None else self._budget_bytes - self._residents.bytes
        allocated, reserved = torch.cuda.memory_allocated(self.device), torch.cuda.memory_reserved(self.device)
        free = torch.cuda.mem_get_info(self.device)[0] + reserved - allocated
        return free if self._budget_bytes is None else min(free, self._budget_bytes - allocated)


class RuntimeWrapper:
    """Delegates to another runtime. Subclasses extend parts of it."""

    def __init__(self, runtime: Runtime) -> None:
        self.device = runtime.device
        self._runtime = runtime

    def ready(self, *modules: nn.Module) -> None:
        self._runtime.ready(*modules)

    def has_room(self, working_bytes: float) -> bool:
        return self._runtime.has_room(working_bytes)

    def memory(self) -> DeviceMemory | None:
        return self._runtime.memory()

    def arithmetic(self) -> Mapping[str, str]:
        return self._runtime.arithmetic()

    def is_out_of_memory(self, error: Exception) -> bool:
        return self._runtime.is_out_of_memory(error)

    def free_memory(self) -> None:
        self._runtime.free_memory()

    def check_cancelled(self) -> None:
        self._runtime.check_cancelled()

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        self._runtime.progress(done, total, preview)

    def notify(self, text: str) -> None:
        self._runtime.notify(text)

    def watchable(self, video: Path) -> None:
        self._runtime.watchable(video)


def is_out_of_memory(error: Exception) -> bool:
    """torch raises a specific type if its own allocator fails, but a plain error with a message if a library or another
    device does.

    `torch.cuda.OutOfMemoryError` also covers other accelerators, and exists in older versions of torch.
    """
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in OUT_OF_MEMORY_MESSAGES)
