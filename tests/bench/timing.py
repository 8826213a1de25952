"""What the benches of time share: the networks they run, and a clock."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from results import bench_parser

from hallo2_core.cli.machine import chosen_device
from tools.card.measure import synchronize
from tools.card.workload import Scale, Workload

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def timing_parser(description: str) -> argparse.ArgumentParser:
    parser = bench_parser(description)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, or auto (cpu)")
    parser.add_argument("--full", action="store_true", help="networks of the released size; on a card always")
    parser.add_argument("--side", type=int, help="of the video, in pixels (64; with --full 512)")
    parser.add_argument("--dtype", choices=DTYPES, help="(float32, on a card float16)")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def workload(arguments: argparse.Namespace) -> tuple[Workload, torch.dtype]:
    """Without weights yet, and the dtype to measure in."""
    torch.set_num_threads(arguments.threads)
    device = chosen_device(arguments.device)
    scale = Scale.of(torch.device("cuda") if arguments.full else device)
    dtype = DTYPES[arguments.dtype] if arguments.dtype else torch.float32 if device.type == "cpu" else torch.float16
    return Workload(device, replace(scale, side_px=arguments.side or scale.side_px)), dtype


def timed(call: Callable[[], object], device: torch.device) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    synchronize(device)
    return {
        "seconds": round(time.perf_counter() - wall, 3),
        "processor seconds": round(time.process_time() - processor, 3),
    }
