"""Reads a jobs file: JSON Lines or CSV, a video per line, with the options of `hallo2 animate` as keys."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..storage.json_text import parse_json

UPSCALE = "upscale"
NAME = re.compile("[a-z0-9_]+")  # of an option
OUT = "out"
SECTIONS = "section_seconds"


@dataclass(frozen=True)
class Order:
    """One video.

    options: of `hallo2 animate`, by their long names without dashes. upscale: of `hallo2 upscale`, without `video` and
    `out`; None keeps the size. section_seconds: about how long its sections are, each of which begins again with the
    portrait; None makes it in one go.
    """

    line: int  # in the jobs file, from 1
    options: Mapping[str, Any]
    upscale: Mapping[str, Any] | None = None
    section_seconds: float | None = None

    @property
    def out(self) -> str:
        return str(self.options[OUT])


def read_orders(path: Path) -> list[Order]:
    """Errors: SettingsError, naming every wrong line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The jobs file {path} cannot be read ({error}). Give a JSON Lines or CSV file in UTF-8."
        ) from error
    return orders_in(text, path.suffix.lower() == ".csv", f"The jobs file {path}")


def orders_in(text: str, is_csv: bool, source: str) -> list[Order]:
    """source: the subject of the messages. Errors: SettingsError, naming every wrong line."""
    wrong: list[str] = []
    found = [_order(line, row, wrong) for line, row in _rows(text, is_csv, wrong)]
    orders = [order for order in found if order is not None]
    for out, count in Counter(order.out for order in orders).items():
        if count > 1:
            lines = ", ".join(str(order.line) for order in orders if order.out == out)
            wrong.append(f"lines {lines}: all write {out}; give each video a name of its own")
    refuse(source, wrong)
    if not orders:
        raise SettingsError(f"{source} has no jobs. Write one per line, for example: {EXAMPLE}")
    return orders


EXAMPLE = '{"portrait": "anna.png", "audio": "anna.wav", "out": "anna.mp4"}'


def refuse(source: str, wrong: Sequence[str]) -> None:
    """Raises a SettingsError if anything is wrong, so that all lines can be mended at once."""
    if wrong:
        raise SettingsError(f"{source} was not started, because of {len(wrong)} of its jobs: {'; '.join(wrong)}.")


def as_arguments(options: Mapping[str, Any]) -> list[str]:
    """The command line that these options mean: true is a bare flag; false and null are left out."""
    arguments = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False:
            arguments.append(f"{flag}={value}")
    return arguments


def as_line(order: Order) -> str:
    """The JSON line that says the same."""
    own = {UPSCALE: order.upscale and dict(order.upscale), SECTIONS: order.section_seconds}
    return json.dumps({**order.options, **own})


def _rows(text: str, is_csv: bool, wrong: list[str]) -> Iterator[tuple[int, Any]]:
    """Line numbers and what the lines hold."""
    if is_csv:
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey="")
        try:
            for row in reader:
                yield reader.line_num, _nested(row)
        except csv.Error as error:
            wrong.append(f"line {reader.line_num}: not CSV ({error})")
        return
    for number, line in enumerate(text.split("\n"), 1):  # JSON texts may hold the line ends of `splitlines`
        if line.strip():
            try:
                yield number, parse_json(line)
            except ValueError as error:
                wrong.append(f"line {number}: not JSON ({error}); expected, for example, {EXAMPLE}")


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A CSV row: empty cells mean the default, and columns like `upscale.scale` are options of the upscaler."""
    options: dict[str, Any] = {}
    enlarged: dict[str, Any] = {}
    for name, cell in row.items():
        if not cell:
            continue
        value = {"true": True, "false": False}.get(str(cell).lower(), cell)
        if name.startswith(f"{UPSCALE}."):
            enlarged[name.removeprefix(f"{UPSCALE}.")] = value
        else:
            options[name] = value
    return {**options, UPSCALE: enlarged} if enlarged and options.get(UPSCALE, True) is True else options


def _order(line: int, row: object, wrong: list[str]) -> Order | None:
    if not isinstance(row, dict):
        wrong.append(f"line {line}: not an object; expected, for example, {EXAMPLE}")
        return None
    options = {str(name).replace("-", "_"): value for name, value in row.items()}
    upscale = options.pop(UPSCALE, None)
    if upscale is True:
        upscale = {}
    if not (upscale is None or upscale is False or isinstance(upscale, dict)):
        wrong.append(f'line {line}: "upscale" is {upscale!r}; give its options, for example {{"scale": 4}}')
        return None
    try:
        seconds = options.pop(SECTIONS, None)
        seconds = None if seconds is None or seconds is False else float(seconds)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if seconds is not None and not 0 < seconds < math.inf:
        wrong.append(f'line {line}: "{SECTIONS}" must be a number of seconds above 0, for example 300')
        return None
    if not isinstance(options.get(OUT), str) or not options[OUT]:
        wrong.append(f'line {line}: no "out", the name of the video')
        return None
    if odd := [name for name in options if not NAME.fullmatch(name)]:
        wrong.append(f"line {line}: {odd[0]!r} is not the name of an option")
        return None
    if nested := [name for name, value in options.items() if isinstance(value, dict | list)]:
        wrong.append(f"line {line}: {', '.join(nested)} must be a text, a number, or true")
        return None
    return Order(line, options, upscale if isinstance(upscale, dict) else None, seconds)
