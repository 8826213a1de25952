"""The `hallo2` command: the same core as the nodes, without ComfyUI.

Exit status: 0 done; 1 a self-test failed or a file is missing; 2 bad input (one line on stderr, nothing written); 130
canceled.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import NoReturn

from .. import __version__
from ..errors import Cancelled, Hallo2Error
from ..shown_text import in_one_line, one_line
from . import (
    animate,
    cartoons,
    check,
    convert,
    doctor,
    download,
    evaluate,
    farm,
    inspect,
    jobs,
    new_adapter,
    prepare,
    selftest,
    separate,
    train,
    upscale,
)
from .output import tell

BAD_INPUT, CANCELLED = 2, 130
# In the order of the help.
COMMANDS = (
    animate, separate, upscale, farm, inspect, evaluate, jobs, download, doctor, check, convert, selftest, new_adapter,
    cartoons, prepare, train,
)  # fmt: skip


class OneLineParser(argparse.ArgumentParser):
    """Reports errors in one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {one_line(message)} (see '{self.prog} --help')\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO if parsed.verbose else logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger("hallo2").addFilter(in_one_line)
    try:
        return parsed.run(parsed)
    except Hallo2Error as error:
        tell(f"hallo2: {one_line(str(error))}")
        return BAD_INPUT
    except (KeyboardInterrupt, Cancelled):
        sys.stderr.write("\nhallo2: canceled\n")
        return CANCELLED


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="hallo2", description="One portrait and a voice track become a talking video.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log more details")
    commands = parser.add_subparsers(title="commands", required=True, parser_class=OneLineParser)
    for command in COMMANDS:
        name = command.__name__.rsplit(".", 1)[-1].replace("_", "-")
        summary = command.__doc__.split("\n", 1)[0]
        own = commands.add_parser(name, help=summary, description=command.__doc__)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return parser
