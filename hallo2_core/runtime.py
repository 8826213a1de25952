"""The `Runtime` protocol, and its implementation for the command line and the tests."""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from .arithmetic import torch_arithmetic
from .offload import Residents

logger = logging.getLogger("hallo2")

# Of errors that are plain `RuntimeError`s: CUDA's asynchronous ones and Apple's devices; cuBLAS; the CPU on Linux and
# on Windows.
OUT_OF_MEMORY_MESSAGES = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class DeviceMemory:
    """What networks and their work may take on the device together.

    at_once: what of the networks must be there at the same time, since the runtime moves the rest in and out.
    """

    bytes: int
    at_once: Literal["every network", "one network", "one layer"]


class Runtime(Protocol):
    """Device, readiness, progress and cancel. `nodes/host/runtime.py` implements it for ComfyUI."""

    device: torch.device

    def ready(self, *modules: nn.Module) -> None:
        """Bring `modules` onto the device, together, before they are called. Cheap when they are there already."""

    def has_room(self, working_bytes: float) -> bool:
        """Whether a second thread may run a network that is ready while the first runs another. Once yes, it stays yes
        until `free_memory`.

        No where networks may be moved away, where nothing is gained, or where its work of so many bytes does not fit
        beside the first one's.
        """

    def memory(self) -> DeviceMemory | None:
        """None if unknown."""

    def arithmetic(self) -> Mapping[str, str]:
        """Whatever of the machine and its settings may change the last bit of a result, in words: entry → value."""

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether the device had too little memory, so that the same work may succeed in smaller pieces."""

    def free_memory(self) -> None:
        """Free what can be freed, to retry after running out of memory.

        Call it outside the `except` block: the exception keeps the tensors of the failed call alive. Networks may
        leave the device, so call `ready` again before the retry.
        """

    def check_cancelled(self) -> None:
        """Raise if the user pressed cancel. Called at every denoising step and between frames."""

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        """Show `done` of `total` steps of the whole job. preview: (h w c) in 0..1, the newest frame."""

    def notify(self, text: str) -> None:
        """Show the user a line about the work in hand. An empty one takes it away."""


class LocalRuntime:
    """Networks stay on one device where all of them fit beside the work; else idle ones wait on the CPU.

    Progress goes nowhere unless a subclass shows it.

    budget_bytes: what networks and work may take together; None: what a card has free. Of other devices nobody knows
    what is free, so without a budget all networks stay there.
    working_bytes: what the work needs beside the networks, as `animation.memory.step_bytes` says.
    """

    def __init__(self, device: torch.device | str = "cpu", budget_bytes: float | None = None) -> None:
        self.device = torch.device(device)
        self.working_bytes = 0.0
        self._budget_bytes = budget_bytes
        self._residents = Residents(self.device)
        self._turns = Lock()  # two threads may ask for networks
        self._is_shared = False  # a second thread runs a network too, so none is moved away
        self._was_short = False

    def ready(self, *modules: nn.Module) -> None:
        with self._turns:
            moved_before = self._residents.moved_away
            working_bytes = -math.inf if self._is_shared else math.inf if self._was_short else self.working_bytes
            self._residents.bring(modules, working_bytes, self._free_bytes)
        if self._residents.moved_away > moved_before == 0:
            self.notify("The networks do not fit on the device together: those not in use wait on the CPU.")

    def has_room(self, working_bytes: float) -> bool:
        """On a card, in what even the largest work so far has left free, if no network had to leave. A CPU is busy with
        one network as it is."""
        with self._turns:
            if self._is_shared or self.device.type != "cuda" or self._was_short or self._residents.moved_away:
                return self._is_shared
            free = torch.cuda.mem_get_info(self.device)[0]
            if self._budget_bytes is not None:
                free = min(free, self._budget_bytes - torch.cuda.memory_reserved(self.device))
            self._is_shared = free >= working_bytes
            return self._is_shared

    def memory(self) -> DeviceMemory | None:
        """The budget, or what is free on a card and what this process has there already."""
        sizes = [] if self._budget_bytes is None else [self._budget_bytes]
        if self.device.type == "cuda":
            sizes.append(torch.cuda.mem_get_info(self.device)[0] + torch.cuda.memory_reserved(self.device))
        return DeviceMemory(int(min(sizes)), "one network") if sizes else None

    def arithmetic(self) -> Mapping[str, str]:
        return torch_arithmetic(self.device)

    def is_out_of_memory(self, error: Exception) -> bool:
        return is_out_of_memory(error)

    def free_memory(self) -> None:
        """From now on no network stays on the device beside those in use, and no second thread runs one.

        No other thread may be running one during the call.
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

    def _free_bytes(self) -> float | None:
        """For networks and work. On a card, blocks that torch keeps for later count as free."""
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


def is_out_of_memory(error: Exception) -> bool:
    """torch has a type for it where its own allocator fails, and only a message where a library or another device does.

    `torch.cuda.OutOfMemoryError` also covers other accelerators, and is the name that older versions of torch have.
    """
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in OUT_OF_MEMORY_MESSAGES)
