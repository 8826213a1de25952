"""What the core asks of whoever runs it, and the runner used by the command line and the tests."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class Runtime(Protocol):
    """Device, readiness, progress and cancel. `nodes/host.py` implements it for ComfyUI."""

    device: torch.device

    def ready(self, *modules: nn.Module) -> None:
        """Bring `modules` onto the device, together, before they are called. Cheap when they are there already."""

    def check_cancelled(self) -> None:
        """Raise if the user pressed cancel. Called at every denoising step and between frames."""

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        """Show `done` of `total` steps of the whole job. preview: (h w c) in 0..1, the newest frame."""


class LocalRuntime:
    """Modules stay on one device; progress goes nowhere unless a subclass shows it."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def ready(self, *modules: nn.Module) -> None:
        for module in modules:
            first = next(module.parameters(), None)
            if first is None or first.device != self.device:  # asking every layer takes longer than a small network
                module.to(self.device)

    def check_cancelled(self) -> None:
        return None

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        return None
