"""What a case of bad input is, and how it is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hallo2_core.cli import main

EXAMPLES = Path(__file__).parents[2] / "hallo2_core" / "examples"
PORTRAIT = EXAMPLES / "portrait.png"
VOICE = "short.wav"
MEDIA, OUT = "media:", "out:"  # an argument that is a file of `media.py`, or one in the case's own folder


@dataclass(frozen=True)
class Place:
    media: Path
    folder: Path

    def path(self, argument: object) -> str:
        """An argument of a command, with the files that it names in their places."""
        text = str(argument)
        for mark, folder in ((MEDIA, self.media), (OUT, self.folder)):
            if text.startswith(mark):
                return str(folder / text.removeprefix(mark))
        return text


@dataclass(frozen=True)
class Seen:
    """How a case went. lines: on stderr, without notes. made: what `act` returned, or the render that would begin."""

    status: int
    lines: list[str]
    made: Any
    new_files: set[str]

    @property
    def message(self) -> str:
        return self.lines[-1].removeprefix("hallo2: ") if self.lines else ""


@dataclass(frozen=True)
class Case:
    """said: a part of the refusal. is_right: of what is made; then it is no refusal. prepare: before it."""

    name: str
    act: Callable[[Place], Any]
    said: str = ""
    is_right: Callable[[Any], bool] | None = None
    prepare: Callable[[Place], None] = lambda place: None


def animate(*options: object, **changed: object) -> Callable[[Place], int]:
    """`hallo2 animate` at 64x64 with one step. changed: options that stand for others."""
    given = {"portrait": PORTRAIT, "audio": MEDIA + VOICE, "out": OUT + "talking.mp4", "size": "64x64", "steps": 1}
    return command("animate", *options, **(given | changed))


def upscale(*options: object, **changed: object) -> Callable[[Place], int]:
    given = {"video": MEDIA + "plain.mp4", "out": OUT + "large.mp4"}
    return command("upscale", *options, **(given | changed))


def command(name: str, *options: object, **named: object) -> Callable[[Place], int]:
    """named: None leaves the option out."""

    def run(place: Place) -> int:
        pairs = [(f"--{key.replace('_', '-')}", value) for key, value in named.items() if value is not None]
        return main([name, *(place.path(part) for part in (*options, *(part for pair in pairs for part in pair)))])

    return run


def refused(act: Callable[..., Callable[[Place], int]], option: str, table: dict[object, str]) -> list[Case]:
    """A case for each value of the option. table: value → part of the refusal."""
    return [
        Case(f"--{option.replace('_', '-')} {value}", act(**{option: value}), said) for value, said in table.items()
    ]
