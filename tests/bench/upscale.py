"""The cost of a window of faces: `python tests/bench/upscale.py [--full] [--device cuda] [--frames 16]`.

The upscaler with seeded weights restores one window: faces of 64×64, or with --full of 512×512 by the network of the
released size. Prints seconds, and on a CPU the peak memory of the whole process, including weights; exit status 1 if
16 full-size frames in float32 exceed the limits.

The released code on 16 frames and two cores: 278 CPU seconds, 9.85 GiB.
"""

from __future__ import annotations

import sys
from functools import partial

import torch
from results import publish
from timing import timed, timing_parser, workload

from hallo2_core.cli.machine import peak_memory_mb
from hallo2_core.models.upscaler.upscaler import Upscaler
from hallo2_core.upscaling.restore_faces import FaceRestorer

LIMITS = {"processor seconds": 278.0, "peak GiB": 4.9}  # on a CPU


def main() -> int:
    parser = timing_parser(__doc__)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--fidelity", type=float, default=0.5)
    arguments = parser.parse_args()
    work, dtype = workload(arguments)
    side, on_cpu = work.scale.upscaler.side_px, work.device.type == "cpu"
    restore = FaceRestorer(Upscaler(work.upscaler(dtype)), arguments.fidelity, work.runtime, work.device)
    faces = torch.rand(arguments.frames, 3, side, side, generator=torch.Generator().manual_seed(0)).to(work.device)
    row = {"full size": work.scale.is_full, "frames": arguments.frames, "fidelity": arguments.fidelity}
    with torch.inference_mode():
        row |= {"dtype": str(dtype)} | timed(partial(restore, faces), work.device)
    row["peak GiB"] = round(peak_memory_mb() / 1024 if on_cpu else torch.cuda.max_memory_allocated() / 2**30, 2)
    is_limited = work.scale.is_full and on_cpu
    above = [f"{name} {row[name]} is above {limit}" for name, limit in LIMITS.items() if row[name] > limit]
    return publish([row], work.device, arguments.json, above if is_limited else [])


if __name__ == "__main__":
    sys.exit(main())
