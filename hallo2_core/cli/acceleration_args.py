"""Command-line options that shorten denoising."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace

from ..animation.acceleration import DDIM, EXACTLY, PRESETS, SOLVERS, Acceleration
from ..errors import SettingsError

SWITCHES = ("solver", "step_share", "unconditional_every", "deep_every")  # options that are fields of `Acceleration`


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "acceleration", "Faster, with a loss (docs/performance.md). Options override the preset."
    )
    group.add_argument("--accelerate", choices=tuple(PRESETS), default=EXACTLY, help="base settings (exact)")
    group.add_argument("--solver", choices=SOLVERS, help=f"how a step is taken ({DDIM}, the release's)")
    group.add_argument("--step-share", type=float, metavar="SHARE", help="share of the steps to take, 0 to 1 (1)")
    group.add_argument(
        "--guided-steps", metavar="FROM-UNTIL", help="guidance in a part of the steps only, such as 0.1-0.6 (0-1)"
    )
    group.add_argument(
        "--unconditional-every",
        type=int,
        metavar="N",
        help="compute the unconditional half of guidance in every N-th step only (1)",
    )
    group.add_argument(
        "--deep-every", type=int, metavar="N", help="compute the network's deep layers in every N-th step only (1)"
    )


def chosen_acceleration(arguments: argparse.Namespace) -> Acceleration:
    """Errors: SettingsError for values out of range."""
    chosen = {name: getattr(arguments, name) for name in SWITCHES if getattr(arguments, name) is not None}
    if arguments.guided_steps is not None:
        chosen["guided_from"], chosen["guided_until"] = _interval(arguments.guided_steps)
    return replace(PRESETS[arguments.accelerate], **chosen)


def _interval(text: str) -> tuple[float, float]:
    number = r"(\d+|\d*\.\d+)"
    match = re.fullmatch(rf"{number}-{number}", text)
    if not match:
        raise SettingsError(
            f"--guided-steps is '{text}'; write it as FROM-UNTIL, for example 0.1-0.6 (0-1: all steps)."
        )
    return float(match[1]), float(match[2])
