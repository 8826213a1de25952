"""Run the shipped golden cases on a device and dtype, to verify that it computes correctly.

One line per case: name, largest absolute difference from the official code's output, largest relative difference, PASS,
FAIL or SKIP. The limits depend on the dtypes of weights and arithmetic.
"""

from __future__ import annotations

import argparse

from . import precision
from .machine import add_device_argument, chosen_device
from .output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_device_argument(parser)
    precision.add_arguments(parser, default="float32")
    parser.add_argument("--quick", action="store_true", help="skip the cases that take minutes on a CPU")
    parser.add_argument("--heavy", action="store_true", help="also run the full-size network (about 10 GiB of memory)")


def run(arguments: argparse.Namespace) -> int:
    from ..models.precision import HALLO2_PRECISION
    from ..selftest.case import Settings, shipped_goldens
    from ..selftest.report import all_passed, summary
    from ..selftest.run_cases import SLOW, run_folder

    device = chosen_device(arguments.device)
    build = precision.chosen_build(arguments, device, HALLO2_PRECISION)
    settings = Settings(device, build.compute_dtype or build.dtype, build.dtype)
    verdicts = []
    left_out = SLOW if arguments.quick else {}
    for verdict in run_folder(shipped_goldens(), settings, heavy=arguments.heavy, left_out=left_out):
        verdicts.append(verdict)
        say(verdict)
    say(summary(verdicts))
    return 0 if all_passed(verdicts) else 1
