"""The device that renders, its memory, main memory, and the disks that are written to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

from ..storage.folders import existing_part, writing_problem
from .finding import Finding, State

GIBIBYTE, GIGABYTE = 2**30, 10**9
# For 512×512 in half precision: the networks, and the working memory of a step.
WEIGHTS_GIB, STEP_GIB = 4.5, 1.8
MAIN_MEMORY_GIB = 8
VIDEO_SPACE_GB = 5


def device_findings(device: torch.device) -> Iterator[Finding]:
    """On the device that renders."""
    if device.type == "cuda":
        yield _card(device)
    elif device.type == "cpu":
        yield from _cpu()
    else:
        yield Finding("device", f"{device.type}; its free memory is not known")
    yield _main_memory()


def disk_findings(output: Path, models: Path) -> Iterator[Finding]:
    """output: where videos and jobs go.  models: where weights are."""
    yield _disk(output, "output")
    if models.is_dir():
        free = shutil.disk_usage(models).free
        yield Finding("models", f"{models}, {free / GIGABYTE:.1f} GB free")


def _card(device: torch.device) -> Finding:
    free, total = (size / GIBIBYTE for size in torch.cuda.mem_get_info(device))
    text = f"{torch.cuda.get_device_name(device)}, {free:.1f} of {total:.1f} GiB free"
    if free >= WEIGHTS_GIB + STEP_GIB:
        return Finding("device", text)
    if total >= WEIGHTS_GIB + STEP_GIB:
        return Finding(
            "device",
            f"{text}; 512x512 needs {WEIGHTS_GIB + STEP_GIB:g} GiB, so networks will be moved in and out",
            State.NOTE,
            "Close other programs that use the GPU, for full speed.",
        )
    return Finding(
        "device",
        f"{text}; 512x512 needs {WEIGHTS_GIB + STEP_GIB:g} GiB, so networks will be moved in and out, which is slower",
        State.NOTE,
        "If memory runs out, choose a smaller size, or fp8_e4m3 in 'Load Model'.",
    )


def _cpu() -> Iterator[Finding]:
    text = f"CPU, {os.cpu_count()} cores: the released model takes minutes for each second of video"
    if torch.version.cuda is None and shutil.which("nvidia-smi"):
        yield Finding(
            "device",
            f"{text}. There is an NVIDIA driver, but torch is built without CUDA",
            State.PROBLEM,
            "Install a build of torch with CUDA (see https://pytorch.org/get-started/locally).",
        )
    elif torch.version.cuda is not None and not torch.cuda.is_available():
        yield Finding(
            "device",
            f"{text}. torch is built for CUDA {torch.version.cuda} but finds no GPU",
            State.PROBLEM,
            "Install or update the NVIDIA driver; in a container, pass the GPU to it.",
        )
    else:
        yield Finding("device", text, State.NOTE)


def _main_memory() -> Finding:
    memory = psutil.virtual_memory()
    text = f"{memory.available / GIBIBYTE:.1f} of {memory.total / GIBIBYTE:.1f} GiB of main memory free"
    if memory.available >= MAIN_MEMORY_GIB * GIBIBYTE:
        return Finding("memory", text)
    return Finding(
        "memory",
        f"{text}; the released model needs about {MAIN_MEMORY_GIB} GiB while it loads",
        State.NOTE,
        "Close other programs, or add swap space.",
    )


def _disk(folder: Path, subject: str) -> Finding:
    """Whether the folder can be written to, and its free space."""
    if problem := writing_problem(folder):
        return Finding(
            subject,
            f"{folder} cannot be written to ({problem})",
            State.PROBLEM,
            f"Allow writing to {folder}, or choose another output folder.",
        )
    free = shutil.disk_usage(existing_part(folder)).free
    text = f"{folder}, {free / GIGABYTE:.1f} GB free"
    if free >= VIDEO_SPACE_GB * GIGABYTE:
        return Finding(subject, text)
    return Finding(subject, f"{text}: little for long videos", State.NOTE, f"Make room on the disk of {folder}.")
