"""A golden case: inputs and outputs of the official code; and the verdict on ours."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ..models import casting
from ..models.layers import Build
from ..runtime import LocalRuntime, Runtime

Network = TypeVar("Network", bound=nn.Module)
GOLDENS = Path(__file__).parents[2] / "tests" / "parity" / "goldens"
INSTALLED_GOLDENS = Path(__file__).parent / "goldens"


def shipped_goldens() -> Path:
    """The cases that ship with the package: in the checkout's tests, or inside the installed wheel."""
    return GOLDENS if GOLDENS.is_dir() else INSTALLED_GOLDENS


@dataclass(frozen=True)
class Case:
    """One safetensors file of goldens, or the files of one long video."""

    name: str
    path: Path

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        with safe_open(self.path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Values are JSON: salt, cfg, guidance, steps, timestep, frames, motion_scale, …"""
        with safe_open(self.path, framework="pt") as file:
            return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}

    @property
    def salt(self) -> int:
        return int(self.metadata.get("salt", 0))

    def beside(self, file_name: str) -> dict[str, Any]:
        """A JSON file of the case's folder (config.json, manifest.json, …), or the shipped one if missing."""
        path = self.path.parent / file_name
        return json.loads((path if path.exists() else shipped_goldens() / file_name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Settings:
    """Device, precision and layer implementations of a run."""

    device: torch.device
    dtype: torch.dtype = torch.float32  # of the arithmetic
    storage: torch.dtype | None = None  # of the weights; None: the same
    zero_adapter: bool = False  # with a zero text-control adapter and a prompt: no value may change
    layers: Build = Build(casting)  # its operations and its attention
    manager: Runtime | None = None  # brings networks to the device; None: they are moved as a whole

    def build(self, device: torch.device | str) -> Build:
        """The layer factory for a case's networks, on a device."""
        return replace(self.layers, dtype=self.storage or self.dtype, compute_dtype=self.dtype, device=device)

    @property
    def dtypes(self) -> tuple[torch.dtype, torch.dtype]:
        """Of the arithmetic and of the weights; both cause rounding."""
        return self.dtype, self.storage or self.dtype

    @property
    def runtime(self) -> Runtime:
        return self.manager or LocalRuntime(self.device)

    def ready(self, network: Network) -> Network:
        """A network with its weights, moved to the case's device."""
        self.runtime.ready(network)
        return network


@dataclass(frozen=True)
class Verdict:
    """One line of the report. max_abs and rel are NaN if nothing was compared."""

    name: str
    max_abs: float
    rel: float
    status: str  # PASS, FAIL or SKIP
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Strict JSON has no NaN."""
        fields = asdict(self)
        return {name: None if value != value else value for name, value in fields.items()}

    def __str__(self) -> str:
        return f"{self.name} {self.max_abs:.3g} {self.rel:.3g} {self.status} {self.reason}".rstrip()


class Comparison:
    """Collects the differences of one case; any difference above its limit fails it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.max_abs = 0.0
        self.rel = 0.0
        self.failures: list[str] = []
        self.compared = 0

    def check(self, what: str, got: Tensor, expected: Tensor, limit: float) -> None:
        """limit: the largest absolute difference allowed; 0 means exact."""
        self.compared += 1
        if got.shape != expected.shape:
            self.failures.append(f"{what} has shape {tuple(got.shape)}, expected {tuple(expected.shape)}")
            return
        got, expected = got.detach().cpu().double(), expected.detach().cpu().double()
        worst, size = (float(x.abs().max()) if x.numel() else 0.0 for x in (got - expected, expected))
        self.max_abs = _larger(self.max_abs, worst)
        self.rel = _larger(self.rel, worst / max(size, 1e-12))
        if not worst <= limit:  # NaN fails too
            self.failures.append(f"{what} differs by {worst:.3g}, limit {limit:g}")

    def verdict(self) -> Verdict:
        if not self.compared:
            return failed(self.name, "nothing was compared")
        return Verdict(self.name, self.max_abs, self.rel, "FAIL" if self.failures else "PASS", "; ".join(self.failures))


def _larger(known: float, new: float) -> float:
    """The maximum; NaN propagates."""
    return known if known >= new or math.isnan(known) else new


def failed(name: str, reason: str) -> Verdict:
    return Verdict(name, float("nan"), float("nan"), "FAIL", reason)


def skipped(name: str, reason: str) -> Verdict:
    return Verdict(name, float("nan"), float("nan"), "SKIP", reason)
