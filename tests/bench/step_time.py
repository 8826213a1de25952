"""Time of a guided step on the CPU: `python tests/bench/step_time.py [--steps 3] [--side 128] [--dtype float32]`.

The released size with seeded weights, 16 + 2 frames; about 10 GiB of memory in float32. Prints wall and processor
seconds of each step as JSON. Compare processor seconds, of runs side by side: on a busy machine both are upper bounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch  # noqa: E402

from tools.card.workload import Scale, Workload  # noqa: E402

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--demo", action="store_true", help="the demo's networks instead, in seconds")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    dtype, size = DTYPES[arguments.dtype], torch.device("cpu" if arguments.demo else "cuda")
    work = Workload(torch.device("cpu"), replace(Scale.of(size), side_px=arguments.side))
    work.draw(dtype)
    step, _ = work.step(dtype)
    times = [timed(step) for _ in range(arguments.steps)]
    best = {name: min(each[name] for each in times) for name in times[0]}
    print(json.dumps({"dtype": arguments.dtype, "side": arguments.side, "best": best, "steps": times}))
    return 0


def timed(step: Callable[[], object]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return {
        "seconds": round(time.perf_counter() - wall, 3),
        "processor_seconds": round(time.process_time() - processor, 3),
    }


if __name__ == "__main__":
    sys.exit(main())
