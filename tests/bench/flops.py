"""Operations of a clip at the released size: `python tests/bench/flops.py [--side 512]`.

Two per multiplication and addition, of matrix products, convolutions and attention, counted on the meta device (torch's
`FlopCounterMode`), in TFLOP by stage. Exit status 1 if a step or a clip of 512×512 exceeds the limits.

"upscale" is a window of 16 faces of 512×512 after the first, which finishes 12 frames.

The released code: 53.95 a step, 2206.6 a clip of 40 steps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from meta_clip import MOTION_FRAMES, STEPS, MetaClip
from results import META, bench_parser, publish
from torch.utils.flop_counter import FlopCounterMode

from hallo2_core.config import UpscalerConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import Encoded, VideoRestorer

LIMITS = {"step": 45.8, "clip": 1877.0}


@torch.inference_mode()
def main() -> int:
    parser = bench_parser(__doc__)
    parser.add_argument("--side", type=int, default=512)
    arguments = parser.parse_args()

    video = MetaClip(arguments.side)
    (portrait, tokens), once_a_video = counted(video.portrait)
    conditions, once_a_clip = counted(lambda: video.clip(portrait, tokens))
    _, encoding = counted(lambda: video.encode(MOTION_FRAMES))
    _, step = counted(lambda: video.step(conditions))
    _, decoding = counted(video.decode)
    _, upscaling = counted(upscaled_window)
    tera = {
        "video": once_a_video,
        "conditions": once_a_clip - encoding,
        "encode": encoding,
        "step": step,
        "decode": decoding,
        "clip": once_a_clip + STEPS * step + decoding,
        "upscale": upscaling,
    }
    rows = [
        {"stage": name, "TFLOP": round(each, 4), "limit": LIMITS.get(name) if arguments.side == 512 else None}
        for name, each in tera.items()
    ]
    above = [f"{row['stage']} is above its limit" for row in rows if row["limit"] and row["TFLOP"] > row["limit"]]
    return publish(rows, META, arguments.json, above)


def upscaled_window() -> None:
    """The frames that the window before has too are encoded already."""
    restorer = VideoRestorer(UpscalerConfig(), Build(dtype=torch.float16, device="meta")).requires_grad_(False)
    frames = torch.empty(1, 12, 3, 512, 512, dtype=torch.float16, device="meta")
    encoded = restorer.encode(frames, fidelity=0.5)
    before = Encoded(encoded.features[:, :4], encoded.kept[:4])
    restorer.restore(Encoded.joined([before, encoded]), fidelity=0.5)


def counted(call: Callable) -> tuple:
    """The result, and 1e12 operations."""
    with FlopCounterMode(display=False) as counter:
        result = call()
    return result, counter.get_total_flops() / 1e12


if __name__ == "__main__":
    sys.exit(main())
