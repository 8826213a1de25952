"""What the core asks of whoever runs it, and the runner used by the command line and the tests."""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

logger = logging.getLogger("hallo2")

# Of errors that are plain `RuntimeError`s: CUDA's asynchronous ones and Apple's devices; cuBLAS; the CPU on Linux and
# on Windows.
OUT_OF_MEMORY_MESSAGES = ("out of memory", "alloc_failed", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class DeviceMemory:
    """What networks and their work may take on the device together."""

    bytes: int
    holds_parts: bool  # the runner can bring a network there layer by layer, so that it need not fit whole


class Runtime(Protocol):
    """Device, readiness, progress and cancel. `nodes/host/runtime.py` implements it for ComfyUI."""

    device: torch.device

    def ready(self, *modules: nn.Module) -> None:
        """Bring `modules` onto the device, together, before they are called. Cheap when they are there already."""

    def has_room(self, working_bytes: float) -> bool:
        """Whether a second thread may, from now on, run a network that is ready while the first runs another.

        No where networks may be moved away, where nothing is gained, or where its work of so many bytes does not fit
        beside the first one's.
        """

    def memory(self) -> DeviceMemory | None:
        """None where nobody knows."""

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
    """Modules stay on one device; progress goes nowhere unless a subclass shows it."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def ready(self, *modules: nn.Module) -> None:
        for module in modules:
            first = next(module.parameters(), None)
            if first is None or not self._is(first.device):  # asking every layer takes longer than a small network
                module.to(self.device)

    def has_room(self, working_bytes: float) -> bool:
        """On a card, in what even the largest work so far has left free. A CPU is busy with one network as it is."""
        return self.device.type == "cuda" and torch.cuda.mem_get_info(self.device)[0] >= working_bytes

    def memory(self) -> DeviceMemory | None:
        """What is free on a card, and what this process has there already."""
        if self.device.type != "cuda":
            return None
        free = torch.cuda.mem_get_info(self.device)[0]
        return DeviceMemory(free + torch.cuda.memory_reserved(self.device), holds_parts=False)

    def is_out_of_memory(self, error: Exception) -> bool:
        return is_out_of_memory(error)

    def free_memory(self) -> None:
        """Garbage first: cycles may hold tensors. Then what torch's allocator keeps for later."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def check_cancelled(self) -> None:
        return None

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        return None

    def notify(self, text: str) -> None:
        if text:
            logger.info("%s", text)

    def _is(self, device: torch.device) -> bool:
        """'cuda' without a number is whichever card a tensor is on."""
        return device.type == self.device.type and self.device.index in (None, device.index)


class RuntimeWrapper:
    """Passes all that is asked on to another runtime. Subclasses add to a part of it."""

    def __init__(self, runtime: Runtime) -> None:
        self.device = runtime.device
        self._runtime = runtime

    def ready(self, *modules: nn.Module) -> None:
        self._runtime.ready(*modules)

    def has_room(self, working_bytes: float) -> bool:
        return self._runtime.has_room(working_bytes)

    def memory(self) -> DeviceMemory | None:
        return self._runtime.memory()

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
