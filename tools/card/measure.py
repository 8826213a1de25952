"""How things are measured: time by CUDA events, peak memory, synchronizations with the host, kernels, odd values."""

from __future__ import annotations

import statistics
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from .section import Figures

ROOT = Path(__file__).parents[2]
SYNCHRONIZES = "called a synchronizing CUDA operation"  # in torch's own warning
LONGEST_NAME = 120


@dataclass(frozen=True)
class Repeats:
    """How often something is timed: at most `count` times, and not again once it has taken `seconds`."""

    count: int
    seconds: float
    warm_up: int = 2


def timed(call: Callable[[], object], device: torch.device, repeats: Repeats) -> Figures:
    """Median, fastest and slowest of the runs after the warm-up, in milliseconds."""
    for _ in range(repeats.warm_up):
        call()
    synchronize(device)
    taken: list[float] = []
    started = time.monotonic()
    while not taken or (len(taken) < repeats.count and time.monotonic() - started < repeats.seconds):
        taken.append(_once(call, device))
    return {
        "median_ms": round(statistics.median(taken), 3),
        "fastest_ms": round(min(taken), 3),
        "slowest_ms": round(max(taken), 3),
        "runs": len(taken),
    }


def _once(call: Callable[[], object], device: torch.device) -> float:
    """Milliseconds on the device: by events on a card, which see no waiting of the host."""
    if device.type != "cuda":
        started = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - started)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(call: Callable[[], object], device: torch.device) -> Figures:
    """Of one run, in GiB: what was there before (weights and inputs), the most allocated, the most reserved. Empty
    without a card: a process does not tell the peak of a part of its life."""
    if device.type != "cuda":
        call()
        return {}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    synchronize(device)
    sizes = {
        "before_gib": before,
        "peak_gib": torch.cuda.max_memory_allocated(device),
        "reserved_gib": torch.cuda.max_memory_reserved(device),
    }
    return {name: round(size / 2**30, 3) for name, size in sizes.items()}


def host_syncs(call: Callable[[], object], device: torch.device) -> Figures:
    """Where the host waits for the card: each place in the pack's code, and how often."""
    if device.type != "cuda":
        return {"count": None, "places": [], "note": "only a card can be waited for"}
    synchronize(device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.set_sync_debug_mode("warn")  # warns that it is a prototype
        return sync_warnings(call)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def sync_warnings(call: Callable[[], object]) -> Figures:
    """The warnings that torch gives in its debug mode, by the line of the pack that led to each."""
    places: Counter[str] = Counter()

    def count(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        if SYNCHRONIZES in str(message):
            places[_place_in_pack() or f"{filename}:{lineno}"] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = count
        call()
    return {
        "count": sum(places.values()),
        "places": [{"place": place, "count": number} for place, number in places.most_common()],
    }


def _place_in_pack() -> str | None:
    """The innermost line of hallo2_core that is running."""
    core = ROOT / "hallo2_core"
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if core in path.parents:
            return f"{path.relative_to(ROOT).as_posix()}:{frame.lineno} ({frame.name})"
    return None


def longest_kernels(call: Callable[[], object], device: torch.device, count: int = 10) -> Figures:
    """The kernels of one run that took longest, all their calls together; on a processor torch's operators."""
    on_card = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    synchronize(device)
    started = time.perf_counter()
    with profile(activities=activities) as profiler:
        call()
        synchronize(device)
    wall_ms = 1000 * (time.perf_counter() - started)
    kind = DeviceType.CUDA if on_card else DeviceType.CPU
    rows = [
        (row.self_device_time_total if on_card else row.self_cpu_time_total, row.count, row.key)
        for row in profiler.key_averages()
        if row.device_type == kind
    ]
    total_us = sum(row[0] for row in rows) or 1
    return {
        "kernels_ms": round(total_us / 1000, 3),
        "wall_ms": round(wall_ms, 3),
        "calls": sum(row[1] for row in rows),
        "longest": [
            {"name": name[:LONGEST_NAME], "calls": calls, "ms": round(us / 1000, 3), "share": round(us / total_us, 4)}
            for us, calls, name in sorted(rows, reverse=True)[:count]
        ],
    }


def odd_values(tensor: Tensor) -> Figures:
    """How many values are not finite, and the largest of the others."""
    finite = tensor.isfinite()
    largest = tensor[finite].abs().max().item() if finite.any() else None
    return {"non_finite": int((~finite).sum()), "largest": None if largest is None else round(largest, 4)}


def first_non_finite(network: nn.Module, call: Callable[[], object]) -> str | None:
    """The first layer, in the order they run, that gives a value that is not finite."""
    found: list[str] = []

    def look(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not found and isinstance(output, Tensor) and not output.isfinite().all():
                found.append(name)

        return hook

    hooks = [module.register_forward_hook(look(name)) for name, module in network.named_modules() if name]
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None
