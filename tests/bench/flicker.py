"""Does temporal attention reduce flicker? `python tests/bench/flicker.py [--model FILE]`.

The shared portrait in known motion, with noise on every frame, is upscaled twice: in windows of 16 frames,
with temporal attention over them, and frame by frame. Each result is aligned to the first frame by the known motion;
flicker is the mean absolute second difference over time of the face's pixels, in 1/255.

The first should be smaller. The demo's upscaler was trained on cartoons; the portrait is a photograph.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
from einops import rearrange  # noqa: E402
from faces_on_script import moving_portrait, portrait_motion  # noqa: E402
from torch import Tensor  # noqa: E402

from hallo2_core.checkpoints.demo import demo_upscaler  # noqa: E402
from hallo2_core.checkpoints.upscaler import load_upscaler  # noqa: E402
from hallo2_core.models.layers import Build  # noqa: E402
from hallo2_core.portrait import similarity  # noqa: E402
from hallo2_core.portrait.face_analysis import built_in_face_analysis  # noqa: E402
from hallo2_core.runtime import LocalRuntime  # noqa: E402
from hallo2_core.upscaling.settings import UpscaleSettings  # noqa: E402
from hallo2_core.upscaling.upscale import upscale_frames  # noqa: E402

SIDE_PX = 512
# The face in the portrait, as fractions of its side: left, top, right, bottom.
FACE = (0.36, 0.28, 0.64, 0.58)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo", help="net_g.pth or its safetensors; 'demo' by default")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--noise", type=float, default=0.03, help="deviation of the noise on each frame, in 0..1")
    parser.add_argument("--fidelity", type=float, default=0.0)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    build = Build(dtype=torch.float32)
    upscaler = demo_upscaler(build) if arguments.model == "demo" else load_upscaler(arguments.model, build)

    def upscaled(window_frames: int, overlap_frames: int) -> Iterable[Tensor]:
        settings = UpscaleSettings(
            SIDE_PX, SIDE_PX, arguments.fidelity, window_frames=window_frames, overlap_frames=overlap_frames
        )
        clip = moving_portrait(arguments.frames, SIDE_PX, arguments.noise)
        return upscale_frames(clip, upscaler, built_in_face_analysis(), settings, LocalRuntime(arguments.device))

    given = (frame.float() / 255 for frame in moving_portrait(arguments.frames, SIDE_PX, arguments.noise))
    result = {
        "model": arguments.model,
        "frames": arguments.frames,
        "given": flicker(given),
        "together": flicker(upscaled(window_frames=16, overlap_frames=4)),
        "frame_by_frame": flicker(upscaled(window_frames=1, overlap_frames=0)),
    }
    print(json.dumps({key: round(x, 3) if isinstance(x, float) else x for key, x in result.items()}))


def flicker(frames: Iterable[Tensor]) -> float:
    """frames: (h w 3), 0..1, of the moving portrait. Holds three at a time."""
    held: list[Tensor] = []
    total, count = 0.0, 0
    left, top, right, bottom = (round(part * SIDE_PX) for part in FACE)
    for number, frame in enumerate(frames):
        whole = rearrange(frame, "h w c -> c h w")
        still = similarity.sample(whole, portrait_motion(number, SIDE_PX), SIDE_PX, SIDE_PX, beyond="border")
        held = [*held[-2:], still[:, top:bottom, left:right]]
        if len(held) == 3:
            total += float((held[0] - 2 * held[1] + held[2]).abs().mean()) * 255
            count += 1
    return total / max(count, 1)


if __name__ == "__main__":
    main()
