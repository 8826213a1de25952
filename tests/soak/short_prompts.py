"""Queue many short prompts in one ComfyUI: `python tests/soak/short_prompts.py --host ~/ComfyUI [--prompts 200]`.

Each prompt is the shipped first_run_demo at 64×64 with a third of a second of sound, another portrait crop, another
piece of the voice and another seed, so that every node but the loaders runs again. Every ninth is longer, and canceled
in its first step. Prints the host's resident memory, open files and threads after a tenth of the prompts, half and all,
in lines of JSON; exit status 1 if memory grew by more than 5 % in the second half, or anything stayed open. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "host")]

import psutil  # noqa: E402
from comfyui import Checkout, ComfyUI  # noqa: E402

DEMO = ROOT / "workflows" / "api" / "first_run_demo.json"
VOICE_SECONDS = 8.68
SECONDS, CANCELED_SECONDS, CANCELED_EVERY = 0.32, 1.28, 9
MOST_GROWTH = 1.05


def prompt(number: int, seconds: float) -> dict:
    graph = json.loads(DEMO.read_text(encoding="utf-8"))
    start = 0.037 * number % (VOICE_SECONDS - seconds)
    graph["trim"] = {
        "class_type": "TrimAudioDuration",
        "inputs": {"audio": ["1", 1], "start_index": start, "duration": seconds},
    }
    graph["5"]["inputs"]["audio"] = ["trim", 0]
    graph["6"]["inputs"] |= {"width": 64, "height": 64, "face_expand": 1.2 + number / 1000}
    graph["9"]["inputs"] |= {"steps": 2, "seed": number}
    graph["24"]["inputs"]["scale"] = 2.0
    return graph


def is_step(message: dict) -> bool:
    return message["type"] == "progress" and str(message["data"].get("node")) == "9"


def measured(process: psutil.Process, prompts: int) -> dict[str, float]:
    time.sleep(1)  # the server closes the last prompt's connections
    return {
        "prompts": prompts,
        "rss_mb": round(process.memory_info().rss / 1e6, 1),
        "open_files": process.num_fds(),
        "threads": process.num_threads(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, metavar="PATH", help="a ComfyUI checkout with its .venv")
    parser.add_argument("--prompts", type=int, default=200)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    marks = {max(arguments.prompts // 10, 1), max(arguments.prompts // 2, 1), arguments.prompts}
    checkout, started, found, canceled = Checkout.find(arguments.host), time.monotonic(), [], 0
    with ComfyUI(checkout, [ROOT]) as host:
        process = psutil.Process(host.process.pid)
        for number in range(1, arguments.prompts + 1):
            is_canceled = number % CANCELED_EVERY == 0
            if is_canceled:
                run = host.run(prompt(number, CANCELED_SECONDS), interrupt_when=is_step)
            else:
                run = host.run(prompt(number, SECONDS))
            assert run.status == ("interrupted" if is_canceled else "success"), run.message
            canceled += is_canceled
            if number in marks:
                found.append(measured(process, number))
                print(json.dumps(found[-1]), flush=True)
    grown = found[-1]["rss_mb"] / found[-2]["rss_mb"]
    is_flat = grown <= MOST_GROWTH and all(found[-1][what] <= found[0][what] for what in ("open_files", "threads"))
    print(json.dumps({"host": checkout.version, "canceled": canceled, "growth_in_second_half": round(grown, 3),
                      "flat": is_flat, "seconds": round(time.monotonic() - started)}))  # fmt: skip
    return int(not is_flat)


if __name__ == "__main__":
    sys.exit(main())
