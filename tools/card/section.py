"""One section of the report: what it is called, what it needs, and how it went."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from .budget import Budget

Figures = dict[str, Any]  # what JSON can hold
OK, FAILED, SKIPPED = "ok", "failed", "skipped"


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    run: Callable[[], Figures]
    needs_seconds: Callable[[], float]  # asked just before it begins, when the sections before it have measured


@dataclass(frozen=True)
class Result:
    name: str
    title: str
    status: str  # ok, failed or skipped
    reason: str = ""
    seconds: float = 0.0
    figures: Figures = field(default_factory=dict)


def run_sections(
    sections: Iterable[Section], budget: Budget, wanted: tuple[str, ...], device: torch.device
) -> Iterator[Result]:
    """wanted: beginnings of names; () is all."""
    for section in sections:
        if not wanted or section.name.startswith(wanted):
            yield _run(section, budget)
            gc.collect()
            if device.type == "cuda":
                with suppress(RuntimeError):  # after an illegal access every call fails, and the report still ends well
                    torch.cuda.empty_cache()


def _run(section: Section, budget: Budget) -> Result:
    needs, left = section.needs_seconds(), max(budget.seconds_left, 0.0)
    if needs > left:
        reason = f"takes about {needs:.0f} s, and {left:.0f} s are left"
        return Result(section.name, section.title, SKIPPED, reason)
    started = time.monotonic()
    try:
        figures, status, reason = section.run(), OK, ""
    except Exception as error:  # whatever breaks in one section, the others still run
        lines = str(error).strip().splitlines() or [""]
        figures, status, reason = {}, FAILED, f"{type(error).__name__}: {lines[0]}"
    return Result(section.name, section.title, status, reason, round(time.monotonic() - started, 1), figures)
