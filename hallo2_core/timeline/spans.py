"""Time spans and their contents, parsed from text and checked for order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic, TypeVar

from ..errors import TimelineError
from .moments import Moment, parse_moment

Content = TypeVar("Content")

LONGEST_TEXT = 100_000  # characters of a timeline
# White space for the editor's parser too: JavaScript and Python differ on other characters. The last two are the
# no-break space of copied text and the wide space of East Asian keyboards.
WHITE_SPACE = " \t\r\u00a0\u3000"

_QUOTED_CHARACTERS = 60
_END_OR_ESCAPE = re.compile(r"\\[\\;]|[;\n]")
_END = re.compile(r"[;\n]")


@dataclass(frozen=True)
class Position:
    """A position in a timeline's text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Span(Generic[Content]):
    """Active from start up to, but not including, end (None: the end of the video)."""

    start: Moment
    end: Moment | None
    content: Content
    position: Position = field(default=Position(1, 1), compare=False)  # for error messages

    @property
    def times(self) -> str:
        return f"{self.start}-{'' if self.end is None else self.end}"

    def seconds(self, fps: Fraction) -> tuple[Fraction, Fraction | None]:
        return self.start.seconds(fps), None if self.end is None else self.end.seconds(fps)


class TextPart:
    """A part of a timeline's text that knows its position."""

    def __init__(self, whole: str, start: int, stop: int) -> None:
        """The part without surrounding white space."""
        text = whole[start:stop]
        self.text = text.strip(WHITE_SPACE)
        self._whole = whole
        self._start = start + len(text) - len(text.lstrip(WHITE_SPACE))

    @property
    def position(self) -> Position:
        """Computed on demand."""
        line_start = self._whole.rfind("\n", 0, self._start) + 1
        return Position(self._whole.count("\n", 0, line_start) + 1, self._start - line_start + 1)

    @property
    def quoted(self) -> str:
        shown = self.text if len(self.text) <= _QUOTED_CHARACTERS else f"{self.text[: _QUOTED_CHARACTERS - 1]}…"
        return f"'{shown}'"

    def cut(self, start: int, stop: int | None = None) -> TextPart:
        stop = len(self.text) if stop is None else stop
        return TextPart(self._whole, self._start + start, self._start + stop)

    def first_word(self) -> tuple[TextPart, TextPart]:
        """The text up to the first white space, and the rest."""
        length = next((i for i, character in enumerate(self.text) if character in WHITE_SPACE), len(self.text))
        return self.cut(0, length), self.cut(length)

    def split(self, separator: str) -> list[TextPart]:
        parts, start = [], 0
        for found in re.finditer(re.escape(separator), self.text):
            parts.append(self.cut(start, found.start()))
            start = found.end()
        return [*parts, self.cut(start)]

    def error(self, what: str) -> TimelineError:
        """what: follows the quoted part."""
        at = self.position
        return TimelineError(f"{self.quoted} {what}", at.line, at.column)


def split_items(text: str, escapes: bool) -> Iterator[TextPart]:
    """The items of a timeline, empty ones left out. escapes: `\\;` ends no item. Errors: TimelineError."""
    if len(text) > LONGEST_TEXT:
        raise TimelineError(
            f"The timeline has {len(text)} characters; at most {LONGEST_TEXT} are read. Split the video into parts."
        )
    start = 0
    ends = [found.start() for found in (_END_OR_ESCAPE if escapes else _END).finditer(text) if found[0] in ";\n"]
    for end in [*ends, len(text)]:
        part = TextPart(text, start, end)
        if part.text:
            yield part
        start = end + 1


def parse_times(part: TextPart) -> tuple[Moment, Moment | None]:
    """Start and end of a span such as `0-4.5`, `12f-30f`, `1:04-`. Errors: TimelineError."""
    start_text, dash, end_text = part.text.partition("-")
    start = parse_moment(start_text)
    end = parse_moment(end_text) if end_text else None
    if start is None or not dash or (end is None and end_text):
        raise part.error(
            "is not a time span. Write start-end without spaces, for example 0-4.5, 12f-30f (frames), 1:04-1:10.5, or "
            "4.5- for the rest; minutes and seconds of a clock time stay below 60."
        )
    if end is not None and end.unit == start.unit and end.value <= start.value:
        raise part.error(f"ends at {end}, which is not after its start. Write the earlier time first.")
    return start, end


def check_order(spans: Sequence[Span], fps: Fraction | None = None) -> None:
    """Each span starts at or after the end of the previous one. Errors: TimelineError.

    fps: with None, only moments of the same unit are compared, which needs no frame rate.
    """
    for i, span in enumerate(spans):
        if fps is not None and span.end is not None and span.end.seconds(fps) <= span.start.seconds(fps):
            raise _order_error(span, f"ends before it begins at {fps_text(fps)}. Write the earlier time first.")
        if i == 0:
            continue
        before = spans[i - 1]
        if before.end is None:
            raise _order_error(
                span, f"follows {before.times}, which runs to the end of the video. Give that one an end."
            )
        if _is_before(span.start, before.end, fps):
            at = "" if fps is None else f" at {fps_text(fps)}"
            raise _order_error(
                span,
                f"begins before {before.times} has ended{at}. Put the spans in order, without overlap.",
            )


def without_a_frame(spans: Sequence[Span], frames: int, fps: Fraction) -> tuple[str, ...]:
    """Notes on spans that contain no frame of the video. They are not errors: a timeline stays as it is while the first
    seconds of a long sound are tested."""
    notes = []
    for span in spans:
        start, end = span.seconds(fps)
        first = math.ceil(start * fps)
        if first >= frames:
            seconds = f"{float(frames / fps):.3f}"
            notes.append(f"{span.times} begins after the video's end ({frames} frames, {seconds} s): it does nothing.")
        elif end is not None and first >= end * fps:
            notes.append(f"{span.times} is so short that no frame lies in it at {fps_text(fps)}: it does nothing.")
    return tuple(notes)


def gaps(spans: Sequence[Span]) -> list[str]:
    """The gaps between spans, as far as they are known without a frame rate."""
    found = [f"0-{spans[0].start}"] if spans and spans[0].start.value else []
    for before, after in zip(spans, spans[1:], strict=False):
        if before.end is not None and before.end != after.start and before.end.unit == after.start.unit:
            found.append(f"{before.end}-{after.start}")
    if spans and spans[-1].end is not None:
        found.append(f"{spans[-1].end}-")
    return found


def fps_text(fps: Fraction) -> str:
    return f"{round(float(fps), 3):g} frames per second"


def _is_before(a: Moment, b: Moment, fps: Fraction | None) -> bool:
    if fps is not None:
        return a.seconds(fps) < b.seconds(fps)
    return a.unit == b.unit and a.value < b.value


def _order_error(span: Span, what: str) -> TimelineError:
    return TimelineError(f"'{span.times}' {what}", span.position.line, span.position.column)
