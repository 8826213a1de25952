"""Output paths of a command, and the report on the finished video."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..storage.advice import advice_for
from ..video.metadata import CHOICES, FULL
from .machine import peak_memory_mb
from .output import say, tell

if TYPE_CHECKING:
    from ..animation.render import RenderedVideo
    from ..upscaling.render import UpscaledVideo


def add_place_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--job", type=Path, metavar="DIR", help="folder for unfinished work (OUT.mp4.hallo2)")
    group.add_argument("--fresh", action="store_true", help="start over, under a new name")


def add_metadata_argument(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--metadata",
        choices=CHOICES,
        default=FULL,
        help="what the file says: full (settings, weights, made by an AI), mark (only made by an AI) or none (full)",
    )


def chosen_place(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """The video's path and its job folder; with --fresh, the first name for which neither exists."""
    from ..storage.free_path import numbered_names

    own_folders = None if arguments.job is None else numbered_names(arguments.job.absolute())
    for path in numbered_names(arguments.out):
        job_folder = path.with_name(f"{path.name}.hallo2") if own_folders is None else next(own_folders)
        if not arguments.fresh or not (path.exists() or job_folder.exists()):
            return path, job_folder
    raise AssertionError("names never run out")


def check_folder(folder: Path) -> None:
    """For the results of long work. Errors: SettingsError if no file can be written there."""
    from ..storage.folders import writing_problem

    if problem := writing_problem(folder):
        raise SettingsError(f"Nothing can be written to --out {folder}: {problem}. Choose another folder.")


@contextmanager
def printed_if_unwritten(result: str, folder: Path) -> Iterator[None]:
    """Prints the result of long work if its files cannot be written to the folder. Errors: SettingsError."""
    try:
        yield
    except OSError as error:
        say(result)
        raise SettingsError(
            f"Not all files could be written to {folder}: {error.strerror or error}. {advice_for(error)} The result is "
            f"printed, so that it is not lost."
        ) from error


def report(video: RenderedVideo | UpscaledVideo, started: float, as_json: bool) -> None:
    """started: by time.monotonic()."""
    result = {
        "out": str(video.path),
        "frames": video.frames,
        "fps": float(video.fps),
        "seconds": video.seconds,
        "width": video.width,
        "height": video.height,
        "resumed_from_clip": video.resumed_from_clip,
        "wall_s": round(time.monotonic() - started, 3),
        "peak_rss_mb": peak_memory_mb(),
    }
    if as_json:
        print(json.dumps(result))
    else:
        tell("{out}: {frames} frames, {width}x{height}, {seconds:.2f} s".format(**result))
