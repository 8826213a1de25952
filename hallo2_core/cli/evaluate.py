"""Measure videos as papers do: FID, FVD, lip sync, PSNR, flicker and more; writes a table, plots and JSON.

psnr, ssim, flicker and seam_jump need no network. The others need a file of yours, which is never downloaded:
docs/evaluation.md names the files, their sources and their licenses.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..animation.motion_settings import ClipConfig
from .machine import add_device_arguments, chosen_runtime
from .output import say
from .result import check_folder, printed_if_unwritten

FILES = {
    "inception": "for fid: weights-inception-2015-12-05-6726825d.pth (Apache-2.0)",
    "i3d": "for fvd: rgb_imagenet.pt of pytorch-i3d (Apache-2.0)",
    "syncnet": "for sync: syncnet_v2.model (CC BY, for research)",
    "lpips": "for lpips: alexnet-owt-7be5be79.pth of torchvision (BSD-3-Clause)",
    "lpips_heads": "for lpips: alex.pth of the package lpips, version 0.1 (BSD-2-Clause)",
    "face_recon": "for e_fid: epoch_20.pth of Deep3DFaceRecon_pytorch (MIT; its face model is non-commercial)",
    "face_models": "for identity: the folder with scrfd_10g_bnkps.onnx and glintr100.onnx (non-commercial research)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument(
        "--reference", type=Path, nargs="+", default=[], metavar="VIDEO", help="the real videos; as many as videos "
        "are compared frame by frame, in the same order"
    )  # fmt: skip
    parser.add_argument("--metrics", default="", metavar="A,B,…", help="which ones (all that are possible)")
    parser.add_argument("--clip-frames", type=int, default=ClipConfig().frames, help="frames from seam to seam (16)")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), metavar="DIR", help="folder for table, plots "
                        "and JSON (evaluation)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--window-seconds", type=float, default=10.0, metavar="S", help="windows of FID over time (10; "
                        "0: none)")  # fmt: skip
    networks = parser.add_argument_group("networks for metrics, from your files")
    for name, text in FILES.items():
        networks.add_argument(f"--{name.replace('_', '-')}", type=Path, metavar="FILE", help=text)
    add_device_arguments(parser.add_argument_group("machine"))


def run(arguments: argparse.Namespace) -> int:
    from ..evaluation.evaluate import EvaluationSettings, evaluate
    from ..evaluation.measures import NetworkFiles
    from ..evaluation.report import draw_video
    from ..storage.free_path import free_path

    check_folder(arguments.out)
    files = NetworkFiles(**{name: getattr(arguments, name) for name in FILES})
    metrics = tuple(name.strip() for name in arguments.metrics.split(",") if name.strip())
    settings = EvaluationSettings(metrics, arguments.clip_frames, arguments.window_seconds, files)
    evaluation = evaluate(arguments.videos, arguments.reference, settings, chosen_runtime(arguments))
    plots = []
    with printed_if_unwritten(json.dumps(evaluation.as_json()) if arguments.json else evaluation.text(), arguments.out):
        arguments.out.mkdir(parents=True, exist_ok=True)
        table, result = (free_path(arguments.out / f"evaluation.{kind}") for kind in ("csv", "json"))
        evaluation.write_csv(table)
        result.write_text(json.dumps(evaluation.as_json(), indent=1), encoding="utf-8")
        for path, video in zip(arguments.videos, evaluation.videos.values(), strict=True):
            plots.append(free_path(arguments.out / f"{path.stem}.evaluation.png"))
            draw_video(video).save(plots[-1])
    if arguments.json:
        print(json.dumps({**evaluation.as_json(), "csv": str(table), "plots": [str(plot) for plot in plots]}))
    else:
        say("\n".join([evaluation.text(), "", *map(str, (table, result, *plots))]))
    return 0
