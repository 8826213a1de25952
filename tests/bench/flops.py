"""Operations of a clip at the released size: `python tests/bench/flops.py [--side 512]`.

Two per multiplication and addition, of matrix products, convolutions and attention, counted on the meta device (torch's
`FlopCounterMode`). Prints TFLOP by stage as JSON; exit status 1 if a step or a clip of 512×512 exceeds the limits.

The released code: 53.95 a step, 2206.6 a clip of 40 steps.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

import torch
from meta_clip import MOTION_FRAMES, STEPS, MetaClip
from torch.utils.flop_counter import FlopCounterMode

LIMITS = {"step": 45.8, "clip": 1877.0}


@torch.inference_mode()
def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512)
    side = parser.parse_args().side

    video = MetaClip(side)
    (portrait, tokens), once_a_video = counted(video.portrait)
    conditions, once_a_clip = counted(lambda: video.clip(portrait, tokens))
    _, encoding = counted(lambda: video.encode(MOTION_FRAMES))
    _, step = counted(lambda: video.step(conditions))
    _, decoding = counted(video.decode)
    result = {
        "video": once_a_video,
        "conditions": once_a_clip - encoding,
        "encode": encoding,
        "step": step,
        "decode": decoding,
        "clip": once_a_clip + STEPS * step + decoding,
    }
    print(json.dumps({name: round(tera, 4) for name, tera in result.items()}))
    above = [f"{name}: {result[name]:.2f} is above {limit}" for name, limit in LIMITS.items() if result[name] > limit]
    if side == 512:
        print("\n".join(above) or "within the limits", file=sys.stderr)
    return int(side == 512 and bool(above))


def counted(call: Callable) -> tuple:
    """The result, and 1e12 operations."""
    with FlopCounterMode(display=False) as counter:
        result = call()
    return result, counter.get_total_flops() / 1e12


if __name__ == "__main__":
    sys.exit(main())
