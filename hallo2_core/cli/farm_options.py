"""What a line of the jobs file means to the commands that carry it out."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import SettingsError
from ..farm.orders import as_arguments
from .machine import GIBIBYTE, chosen_device

if TYPE_CHECKING:
    from ..farm.worker import Report, ReportingRuntime


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(message)


def parsed(command: ModuleType, options: Mapping[str, Any]) -> argparse.Namespace:
    """The options of a command. Errors: SettingsError."""
    parser = _Parser(prog="", add_help=False, allow_abbrev=False)
    command.add_arguments(parser)
    parser.set_defaults(verbose=True)  # notes go to the screen, not to a worker's log
    return parser.parse_args(as_arguments(options))


def reporting_runtime(arguments: argparse.Namespace, part: str, report: Report) -> ReportingRuntime:
    """part: of the order's work, for the screen."""
    from ..farm.worker import ReportingRuntime

    budget = None if arguments.vram_gb is None else arguments.vram_gb * GIBIBYTE
    return ReportingRuntime(chosen_device(arguments.device), part, report, budget)
