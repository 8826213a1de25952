"""The cost of a window: `python tests/bench/upscale.py [--frames 16] [--fidelity 0.5]`.

The full-size upscaler with seeded weights restores one window of 512×512 faces in float32. Prints seconds, CPU
seconds and peak memory of the whole process, including weights; exit status 1 if they exceed the limits.

The released code on 16 frames and two cores: 278 CPU seconds, 9.85 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
from einops import rearrange  # noqa: E402
from faces_on_script import moving_portrait  # noqa: E402

from hallo2_core.checkpoints.seeded import seeded_tensor  # noqa: E402
from hallo2_core.checkpoints.upscaler import assemble_upscaler, upscaler_config  # noqa: E402
from hallo2_core.models.layers import Build  # noqa: E402
from hallo2_core.models.upscaler.upscaler import Upscaler  # noqa: E402
from hallo2_core.runtime import LocalRuntime  # noqa: E402
from hallo2_core.selftest.case import GOLDENS  # noqa: E402
from hallo2_core.upscaling.restore_faces import FaceRestorer  # noqa: E402

LIMITS = {"processor_seconds": 278.0, "peak_rss_gib": 4.9}  # for 16 frames
SIDE_PX = 512


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--fidelity", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    shapes = json.loads((GOLDENS / "manifest_net_g.json").read_text(encoding="utf-8"))
    upscaler = Upscaler(
        assemble_upscaler(
            upscaler_config(shapes), shapes, lambda key, _: seeded_tensor(key, shapes[key]), Build(dtype=torch.float32)
        )
    )
    faces = torch.stack([rearrange(frame, "h w c -> c h w") for frame in moving_portrait(arguments.frames, SIDE_PX)])
    before = peak_rss_gib()

    wall, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        restored = FaceRestorer(upscaler, arguments.fidelity, LocalRuntime())(faces / 255)
    result = {
        "frames": arguments.frames,
        "fidelity": arguments.fidelity,
        "seconds": round(time.perf_counter() - wall, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "peak_rss_gib": round(peak_rss_gib(), 2),
        "peak_rss_gib_before": round(before, 2),
    }
    if restored.shape != faces.shape or not restored.isfinite().all():
        raise AssertionError("the window did not come back whole")
    print(json.dumps(result))
    above = [f"{name} {result[name]} is above {limit}" for name, limit in LIMITS.items() if result[name] > limit]
    print("\n".join(above) or "within the limits", file=sys.stderr)
    return 1 if above else 0


def peak_rss_gib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


if __name__ == "__main__":
    sys.exit(main())
