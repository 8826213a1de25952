"""Measure videos as papers do: quality against a reference, flicker, seams; writes a table, plots and JSON.

PSNR, SSIM, flicker and seam jump need no network. docs/evaluation.md explains every figure.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..animation.motion_settings import ClipConfig
from ..errors import SettingsError
from .machine import add_device_arguments, chosen_runtime


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
    add_device_arguments(parser.add_argument_group("networks and machine"))


def run(arguments: argparse.Namespace) -> int:
    from ..evaluation.evaluate import EvaluationSettings, evaluate
    from ..evaluation.report import draw_video
    from ..storage.free_path import free_path

    if arguments.clip_frames < 1:
        raise SettingsError(f"--clip-frames is {arguments.clip_frames}; choose 1 or more (16 is the release's).")
    metrics = tuple(name.strip() for name in arguments.metrics.split(",") if name.strip())
    settings = EvaluationSettings(metrics, arguments.clip_frames, {})
    evaluation = evaluate(arguments.videos, arguments.reference, settings, chosen_runtime(arguments))
    arguments.out.mkdir(parents=True, exist_ok=True)
    table, result = (free_path(arguments.out / f"evaluation.{kind}") for kind in ("csv", "json"))
    evaluation.write_csv(table)
    result.write_text(json.dumps(evaluation.as_json(), indent=1), encoding="utf-8")
    plots = []
    for path, video in zip(arguments.videos, evaluation.videos.values(), strict=True):
        plots.append(free_path(arguments.out / f"{path.stem}.evaluation.png"))
        draw_video(video).save(plots[-1])
    if arguments.json:
        print(json.dumps({**evaluation.as_json(), "csv": str(table), "plots": [str(plot) for plot in plots]}))
    else:
        print("\n".join([evaluation.text(), "", *map(str, (table, result, *plots))]))
    return 0
