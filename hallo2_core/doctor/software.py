"""Versions of Python, torch and the packages that this one needs."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch

from .. import __version__
from ..errors import pip_install
from .finding import Finding, State

# As in requirements.txt; empty: any version.
NEEDED = {
    "numpy": "1.25", "Pillow": "", "einops": "", "safetensors": "0.4.2", "av": "14.2.0", "transformers": "4.37.2",
    "psutil": "", "tqdm": "",
}  # fmt: skip
OLDEST_PYTHON = (3, 10)


def software_findings() -> Iterator[Finding]:
    yield Finding("hallo2", f"{__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}")
    if sys.version_info < OLDEST_PYTHON:
        yield Finding(
            "python", f"{platform.python_version()} is too old", State.PROBLEM, "Install Python 3.10 or newer."
        )
    yield Finding("torch", f"{torch.__version__}{_built_for()}")
    found = {name: installed_version(name) for name in NEEDED}
    wrong = [_wrong(name, found[name]) for name in NEEDED if _wrong(name, found[name])]
    if wrong:
        yield Finding("packages", "; ".join(wrong), State.PROBLEM, f"Run: {pip_install('-r', 'requirements.txt')}")
    yield Finding("packages", ", ".join(f"{name} {number}" for name, number in found.items() if number))


def installed_version(name: str) -> str:
    """Empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def has_onnxruntime() -> bool:
    """Any build of it: they all have the same module."""
    return find_spec("onnxruntime") is not None


def release_numbers(text: str) -> tuple[int, ...]:
    """Of a version, for comparisons: 4, 37, 2 of 4.37.2.dev0+cpu."""
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, release[0].split("."))) if release else ()


def _wrong(name: str, found: str) -> str:
    if not found:
        return f"{name} is missing"
    is_older = release_numbers(found) < release_numbers(NEEDED[name])
    return f"{name} {found} is older than {NEEDED[name]}" if is_older else ""


def _built_for() -> str:
    if torch.version.cuda:
        return f", built for CUDA {torch.version.cuda}"
    hip = getattr(torch.version, "hip", None)
    return f", built for ROCm {hip}" if hip else ", built without CUDA"
