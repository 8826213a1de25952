"""Measure the seams and the drift of a video: writes a plot and a table, and reports the worst moments and how the
video was made."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..animation.motion_settings import ClipConfig
from ..config import SIZE_MULTIPLE_PX
from ..upscaling.settings import LONGEST_SIDE_PX
from .machine import TerminalRuntime, chosen_device
from .output import say, tell
from .result import check_folder, printed_if_unwritten

if TYPE_CHECKING:
    from ..payloads import Portrait
    from ..portrait.face_analysis import FaceAnalysis
    from ..video.reader import VideoInfo

PREPARED_SIDE_PX = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--portrait", type=Path, help="compare with this picture (default: the first frame)")
    parser.add_argument(
        "--crop", choices=("auto", "face", "centre", "none"), default="auto", help="crop used for the animation"
    )
    parser.add_argument("--face-models", type=Path, metavar="DIR", help="scrfd and glintr100: also measure identity")
    parser.add_argument("--clip-frames", type=int, default=ClipConfig().frames, help="frames from seam to seam (16)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for plot and table (the video's)")
    parser.add_argument(
        "--metadata-only", action="store_true", help="measure nothing; only print how the file says it was made"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from ..inspection.inspect_video import inspect_video
    from ..inspection.record_text import record_text
    from ..inspection.seams import check_clip_frames
    from ..storage.free_path import free_path
    from ..video.metadata import read_record
    from ..video.one_size import check_one_size
    from ..video.reader import probe
    from .weights import load_face_analysis

    if arguments.metadata_only:
        record = read_record(arguments.video)
        if arguments.json:
            print(json.dumps({"video": str(arguments.video), "record": record}))
        else:
            say(record_text(record))
        return 0
    check_clip_frames(arguments.clip_frames)
    info = probe(arguments.video)
    check_one_size(arguments.video, lambda: None)
    folder = arguments.out or arguments.video.parent
    check_folder(folder)
    faces = load_face_analysis(arguments.face_models) if arguments.portrait else None
    portrait = _portrait(arguments, info, faces) if arguments.portrait else None
    folder.mkdir(parents=True, exist_ok=True)
    table, plot = (free_path(folder / f"{arguments.video.stem}.inspect.{kind}") for kind in ("csv", "png"))
    runtime = TerminalRuntime(chosen_device("cpu"))
    done = inspect_video(arguments.video, portrait, runtime, arguments.clip_frames, faces, table)
    figures = {**asdict(done.report), "record": done.record}
    with printed_if_unwritten(json.dumps(figures) if arguments.json else done.text, folder):
        done.plot.save(plot)
    if arguments.json:
        files = {"video": str(arguments.video), "csv": str(table), "plot": str(plot)}
        print(json.dumps({**files, **figures}))
    else:
        say(f"{done.text}\n{plot}\n{table}")
    return 0


def _portrait(arguments: argparse.Namespace, info: VideoInfo, faces: FaceAnalysis) -> Portrait:
    """Cropped as for the animation, to the video's shape."""
    from ..portrait.picture import load_picture
    from ..portrait.prepare import prepare_portrait

    width, height = prepared_size(info.width, info.height)
    portrait = prepare_portrait(
        load_picture(arguments.portrait), faces, width, height, crop=arguments.crop, whole_picture=True
    )
    for note in portrait.notes:
        tell(f"note: {note}")
    return portrait


def prepared_size(width: int, height: int) -> tuple[int, int]:
    """The video's size if a portrait can have it, else a valid size of about the same shape."""
    sides = (width, height)
    if all(side % SIZE_MULTIPLE_PX == 0 and side <= LONGEST_SIDE_PX for side in sides):
        return sides
    scale = PREPARED_SIDE_PX / max(sides)
    nearest = (max(round(side * scale / SIZE_MULTIPLE_PX), 1) * SIZE_MULTIPLE_PX for side in sides)
    return tuple(nearest)
