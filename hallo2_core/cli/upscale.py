"""Make any video larger and its faces sharper, keeping all frames, their timing and the sound."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..upscaling.settings import LONGEST_SIDE_PX, UpscaleSettings
from . import precision
from .machine import add_device_arguments, chosen_runtime
from .named_file import DEMO, file_or
from .output import tell
from .result import add_metadata_argument, add_place_arguments, chosen_place, report

if TYPE_CHECKING:
    from ..runtime import LocalRuntime
    from ..upscaling.job_key import Upscale
    from ..upscaling.plan import Plan, UpscaleRequest
    from ..upscaling.render import UpscaledVideo

AUTO = "auto"
USUAL_SCALE = 2.0
USUAL = UpscaleSettings(1, 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    wanted = parser.add_argument_group("input and output")
    wanted.add_argument("--video", type=Path, required=True, help="any video, with or without faces")
    wanted.add_argument("--out", type=Path, required=True, metavar="OUT.mp4", help="the video; never overwritten")
    size = wanted.add_mutually_exclusive_group()
    size.add_argument("--scale", type=float, metavar="N", help="scale factor (2; with --face-only: 1)")
    size.add_argument("--long-side", type=int, metavar="PX", help=f"or the longer side, up to {LONGEST_SIDE_PX}")
    wanted.add_argument("--fidelity", type=float, default=USUAL.fidelity, metavar="W",
                        help="of faces: 0 redraws them, 1 stays close to the input (0.5)")  # fmt: skip
    wanted.add_argument("--face-only", action="store_true", help="only restore faces; keeps the size unless one "
                        "is set")  # fmt: skip

    weights = parser.add_argument_group("weights")
    weights.add_argument(
        "--model", type=file_or(DEMO), default=DEMO, metavar="FILE|demo", help="net_g.pth or its safetensors (demo)"
    )
    weights.add_argument(
        "--face-models", type=Path, metavar="DIR", help="folder of scrfd and glintr100 (built-in detector)"
    )
    add_device_arguments(weights)
    precision.add_arguments(weights, auto="bfloat16 where the card computes in it; float32 elsewhere")

    frames = parser.add_argument_group("windows", "Faces are restored in overlapping windows of frames.")
    frames.add_argument(
        "--window", type=int, default=USUAL.window_frames, metavar="FRAMES", help="frames per window (16)"
    )
    frames.add_argument("--overlap", type=int, default=USUAL.overlap_frames, metavar="FRAMES",
                        help="shared with the next window, cross-faded (4)")  # fmt: skip

    video = parser.add_argument_group("output file")
    video.add_argument("--codec", choices=(AUTO, "h264", "h265", "av1"), default=AUTO,
                       help="auto: h264, or h265 beyond h264's limits")  # fmt: skip
    video.add_argument("--bit-depth", type=int, choices=(8, 10), default=8,
                       help="10 avoids banding in soft backgrounds; 8 plays everywhere (8)")  # fmt: skip
    video.add_argument("--quality", type=int, default=14, metavar="CRF", help="0 lossless to 51 worst (14)")
    add_metadata_argument(video)
    add_place_arguments(video)
    parser.add_argument("--strict", action="store_true", help="refuse a damaged video; reads all of it first")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    report(upscaled(arguments, chosen_runtime(arguments)), started, arguments.json)
    return 0


def upscaled(arguments: argparse.Namespace, runtime: LocalRuntime) -> UpscaledVideo:
    """The video and all settings are checked before any loading."""
    from ..jobs.choice import choose_job
    from ..upscaling.job_key import upscale_key
    from ..upscaling.plan import plan_upscale
    from ..upscaling.render import memory_needed, upscale_video
    from ..video.reader import check_undamaged
    from ..video.target import check_name

    check_name(arguments.out)
    plan = plan_upscale(arguments.video, chosen_request(arguments))
    if arguments.strict:
        check_undamaged(arguments.video)
    upscale = loaded(arguments, plan, runtime)
    if not arguments.verbose:  # the log contains it too
        tell(f"note: {memory_needed(plan.source, upscale)}")
    path, job_folder = chosen_place(arguments)
    return upscale_video(upscale, choose_job(job_folder, upscale_key(upscale, runtime)), path, runtime)


def loaded(arguments: argparse.Namespace, plan: Plan, runtime: LocalRuntime) -> Upscale:
    """The planned upscale with its networks."""
    from ..models.precision import UPSCALER_PRECISION
    from ..upscaling.job_key import Upscale
    from ..video.metadata import MetadataChoice
    from .weights import load_face_analysis, load_upscaler

    return Upscale(
        arguments.video,
        load_upscaler(arguments.model, precision.chosen_build(arguments, runtime.device, UPSCALER_PRECISION)),
        load_face_analysis(arguments.face_models),
        plan.settings,
        plan.video_settings,
        metadata=MetadataChoice(arguments.metadata),
    )


def chosen_request(arguments: argparse.Namespace) -> UpscaleRequest:
    from ..upscaling.plan import UpscaleRequest

    scale = arguments.scale
    if scale is None and arguments.long_side is None:
        scale = 1.0 if arguments.face_only else USUAL_SCALE
    return UpscaleRequest(
        scale,
        arguments.long_side,
        arguments.fidelity,
        arguments.window,
        arguments.overlap,
        arguments.codec,
        arguments.bit_depth,
        arguments.quality,
    )
