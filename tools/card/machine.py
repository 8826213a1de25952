"""The card, and the software that drives it."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from .section import Figures

ROOT = Path(__file__).parents[2]
PACKAGES = ("einops", "numpy", "safetensors", "transformers", "triton", "xformers", "sageattention", "flash-attn")


def describe_machine(device: torch.device) -> Figures:
    described: Figures = {
        "device": str(device),
        "name": _processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }
    if device.type != "cuda":
        return described
    card = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    return described | {
        "name": card.name,
        "compute_capability": f"{card.major}.{card.minor}",
        "multiprocessors": card.multi_processor_count,
        "memory_gib": round(total / 2**30, 2),
        "free_gib": round(free / 2**30, 2),
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
        "bf16": torch.cuda.is_bf16_supported(including_emulation=False),
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")  # only Linux's platform module does not say
    found = re.search(r"model name\s*: (.+)", listed.read_text(encoding="utf-8")) if listed.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    return _said("git", "-C", str(ROOT), "describe", "--always", "--dirty")


def _driver() -> str | None:
    drivers = _said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return drivers.splitlines()[0] if drivers else None


def _said(*command: str) -> str | None:
    """What a program prints; None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
