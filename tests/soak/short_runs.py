"""Make many short videos in one process: `python tests/soak/short_runs.py [--runs 200]`.

An animation, an upscaled video and a paste-back in turn. Prints the resident memory, open files and threads after a
tenth of the runs, half and all, as JSON; exit status 1 if memory grew by more than 5 % in the second half, or anything
stayed open.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "soak")]

import psutil  # noqa: E402
import torch  # noqa: E402
from small_jobs import small_jobs  # noqa: E402

MOST_GROWTH = 1.05


def measured(run: int) -> dict[str, float]:
    gc.collect()
    process = psutil.Process()
    return {
        "runs": run,
        "rss_mb": round(process.memory_info().rss / 1e6, 1),
        "open_files": process.num_fds(),
        "threads": process.num_threads(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    three, started = small_jobs(), time.monotonic()
    marks = {max(arguments.runs // 10, 1), max(arguments.runs // 2, 1), arguments.runs}
    found = []
    with tempfile.TemporaryDirectory() as name:
        for run in range(1, arguments.runs + 1):
            folder = Path(name) / str(run)
            folder.mkdir()
            small = three[run % len(three)]
            small.prepare(folder)
            done = small.run(folder)
            assert done.error is None, done.error
            shutil.rmtree(folder)
            if run in marks:
                found.append(measured(run))
    grown = found[-1]["rss_mb"] / found[-2]["rss_mb"]
    is_flat = grown <= MOST_GROWTH and all(found[-1][what] <= found[0][what] for what in ("open_files", "threads"))
    print(json.dumps({"after": found, "growth_in_second_half": round(grown, 3), "flat": is_flat,
                      "seconds": round(time.monotonic() - started)}))  # fmt: skip
    return int(not is_flat)


if __name__ == "__main__":
    sys.exit(main())
