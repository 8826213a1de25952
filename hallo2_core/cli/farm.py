"""Make many videos on a Ray cluster, or on all devices of this machine: a resumable job for each line of a file.

Each line of JOBS (JSON Lines or CSV) is a video: "portrait", "audio", "out", any other option of 'hallo2 animate' by
its long name, "upscale" with options of 'hallo2 upscale', and "section_seconds" to render a long video in sections,
each of which begins again with the portrait. Files may be addresses such as s3://bucket/anna.png. A video whose worker
or machine is lost resumes elsewhere. Run the same file again to continue what was stopped.

Exit status: 1 if a video failed or was refused.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependencyError, SettingsError
from ..farm.orders import OUT, Order, read_orders, refuse
from ..farm.remote import is_remote
from . import animate, upscale
from .farm_options import parsed

if TYPE_CHECKING:
    from ..farm.cluster import Cluster, Watch
    from ..farm.worker import Report

MADE = ("out", "job")  # every other path is read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", type=Path, metavar="JOBS", help="a .jsonl or .csv file")
    parser.add_argument("--address", help="a running Ray cluster: auto, HOST:PORT or ray://… (this machine alone)")
    parser.add_argument("--gpus", type=float, metavar="N", help="GPUs per video; fractions share one (1 if there are)")
    parser.add_argument("--cpus", type=float, default=1.0, metavar="N", help="CPU cores per video (1)")
    parser.add_argument("--helpers", type=int, default=0, metavar="N", help="further processes per video, which "
                        "upscale it while it is animated and render its sections (0)")  # fmt: skip
    parser.add_argument("--retries", type=int, default=3, metavar="N", help="further attempts at a video (3)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the results as one JSON list")
    shown.add_argument("--events", action="store_true", help="for programs: print each change as a line of JSON, and "
                       "stop when standard input ends")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    for option in ("helpers", "retries"):
        if (value := getattr(arguments, option)) < 0:
            raise SettingsError(f"--{option} is {value}; choose 0 or more.")
    orders, wrong = [], []
    for order in read_orders(arguments.jobs):
        try:
            orders.append(checked(order))
        except SettingsError as error:
            wrong.append(f"line {order.line}: {error}")
    refuse(f"The jobs file {arguments.jobs}", wrong)

    from ..farm.cluster import DONE, Cluster, run_orders

    cluster = Cluster(arguments.address, arguments.gpus, arguments.cpus, arguments.retries, arguments.helpers)
    with _watching(arguments, orders) as watch, redirect_stdout(sys.stderr):  # Ray prints what happens to workers
        outcomes = run_orders(orders, partial(carry_out, cluster=cluster), cluster, watch)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes]))
    elif not arguments.events:
        from rich.console import Console

        from ..farm.screen import results_table

        Console().print(results_table(outcomes))
    return int(any(outcome.state != DONE for outcome in outcomes))


@contextmanager
def _watching(arguments: argparse.Namespace, orders: Sequence[Order]) -> Iterator[Watch]:
    """The screen, or events for the program that started this one. Errors: MissingDependencyError."""
    if arguments.events:
        from ..farm.events import Events

        yield Events(orders, sys.stdout, sys.stdin).show
        return
    try:
        from rich.console import Console

        from ..farm.screen import Screen
    except ImportError as error:
        raise MissingDependencyError.of_extra("'hallo2 farm'", "rich", "farm", error) from error
    with Screen(orders, Console(stderr=True)) as screen:
        yield screen.show


def absolute(_name: str, value: str) -> str:
    """Workers have other working directories."""
    return value if is_remote(value) else str(Path(value).absolute())


def checked(order: Order, place: Callable[[str, str], str] = absolute) -> Order:
    """The order with all paths replaced. place: an option's name and its path → where that is, for every machine.

    Errors: SettingsError for wrong options, and for files to read that are missing.
    """
    known, enlarged = parsed(animate, order.options), order.upscale
    options = _checked(order.options, known, place)
    if order.section_seconds is not None and known.legacy_rng:
        raise SettingsError("legacy_rng draws random numbers through the whole video, so it excludes section_seconds")
    if enlarged is not None:
        known = parsed(upscale, {"video": order.out, OUT: order.out, **enlarged})
        enlarged = _checked(enlarged, known, place)
    return dataclasses.replace(order, options=options, upscale=enlarged)


def _checked(options: Mapping[str, Any], known: argparse.Namespace, place: Callable[[str, str], str]) -> dict[str, Any]:
    """known: the same, parsed; it tells paths from names and numbers."""
    found = dict(options)
    for name, value in options.items():
        if not hasattr(known, name):  # false and null are no arguments, so the parser has not seen it
            raise SettingsError(f"there is no option '{name}'")
        if isinstance(getattr(known, name), Path):
            found[name] = placed = place(name, str(value))
            if name not in MADE and not is_remote(placed) and not os.path.exists(placed):  # or an impossible name
                looked = "" if placed == value else f" (looked for {placed})"
                raise SettingsError(f"there is no file {value} for '{name}'{looked}")
    return found


def carry_out(order: Order, report: Report, cluster: Cluster | None = None) -> Mapping[str, Any]:
    """On a worker: animate, then upscale if asked to. Resumes what an earlier worker left.

    cluster: if it has helpers, they upscale what is finished while the animation goes on, and render sections.
    """
    from ..farm.crew import no_helpers
    from ..farm.ray_helpers import ray_helpers
    from ..farm.workplace import animated_name, remote_result, workplace
    from .farm_animation import Animation, SectionedAnimation
    from .farm_upscaling import upscaled_afterwards, upscaled_meanwhile

    has_helpers = cluster is not None and cluster.helpers > 0
    hire = partial(ray_helpers, cluster=cluster) if has_helpers else no_helpers
    named = animated_name if order.upscale is not None else str
    with workplace(order) as place:
        out = named(place.order.out)
        if order.section_seconds is None:
            animation = Animation(place, out, report)
        else:
            everywhere = dataclasses.replace(order, options={**order.options, OUT: named(order.out)})
            animation = SectionedAnimation(everywhere, place, out, hire, report)
        upscaling: Mapping[str, Any] = {}
        if order.upscale is None:
            video = animation.finish()
        elif has_helpers:
            video, upscaling = upscaled_meanwhile(order, place, animation, hire, report)
        else:
            video = upscaled_afterwards(place, animation, report)
        parts = {**animation.figures(), **upscaling}
        return {
            "out": remote_result(order, video.path),
            "frames": video.frames,
            "seconds": video.seconds,
            "width": video.width,
            "height": video.height,
            "resumed_from_clip": video.resumed_from_clip,
            **parts,
            "note": "; ".join(filter(None, (part["note"] for part in parts.values()))),
        }
