"""Time of a clip, by number of steps: `python tests/bench/clip_time.py [--full --side 128] [--device cuda]`.

From motion frames to 16 decoded frames in main memory, with seeded weights and guidance: the demo's networks, or with
--full those of the released size. --steps 2,4: the difference is that of the steps, the rest is what a clip takes once.
"""

from __future__ import annotations

import sys
from functools import partial

from results import publish
from timing import timed, timing_parser, workload


def main() -> int:
    parser = timing_parser(__doc__)
    parser.add_argument("--steps", default="2,4", help="one clip of each (2,4)")
    arguments = parser.parse_args()
    work, dtype = workload(arguments)
    work.draw(dtype)
    rows = []
    for steps in map(int, arguments.steps.split(",")):
        inputs = work.inputs(dtype, steps)
        size = {"full size": work.scale.is_full, "side": work.scale.side_px, "dtype": str(dtype), "steps": steps}
        rows.append(size | timed(partial(work.clip, inputs, dtype), work.device))
    return publish(rows, work.device, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
