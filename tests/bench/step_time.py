"""Time of a guided step: `python tests/bench/step_time.py [--full --side 128] [--device cuda] [--repeats 3]`.

Seeded weights, 16 + 2 frames: the demo's networks, or with --full those of the released size, in about 10 GiB of memory
in float32. Compare processor seconds, of runs side by side: on a busy machine both are upper bounds.
"""

from __future__ import annotations

import sys

from results import publish
from timing import timed, timing_parser, workload


def main() -> int:
    parser = timing_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    work, dtype = workload(arguments)
    work.draw(dtype)
    step, _ = work.step(dtype)
    size = {"full size": work.scale.is_full, "side": work.scale.side_px, "dtype": str(dtype)}
    rows = [size | timed(step, work.device) for _ in range(arguments.repeats)]
    return publish(rows, work.device, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
