"""Bad input of every kind, and what is done about it: refused with one message before any work, or handled right.

bad_inputs.py --table [AREA …]   prints area, case, verdict and message of each; exit status 1 if one is wrong

`test_bad_inputs.py` runs the same cases. Those at the nodes of a real host: `host/test_refusals.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from bad_input_cases import AREAS, Case, Place, Seen
from bad_input_cases.media import write_media

from hallo2_core.animation.animate import animate
from hallo2_core.animation.render import Render
from hallo2_core.errors import Hallo2Error

SECONDS_PER_CASE = 300  # a case takes less than one, if nothing else keeps the machine busy
REFUSED, DONE, TRACEBACK = 2, 0, 1


class Reached(Exception):  # noqa: N818 - where a case ends that nobody refused
    """The first clip would be denoised now."""


def seen_of(case: Case, media: Path, folder: Path) -> Seen:
    place = Place(media, folder)
    case.prepare(place)
    before = snapshot(folder)
    said, status, made = io.StringIO(), DONE, None
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), in_folder(folder), in_time():
        with logged_to(said), stopped_at_the_first_clip() as reached:
            try:
                made = case.act(place)
                status = made if isinstance(made, int) else DONE
            except SystemExit as ended:
                status = ended.code
            except Hallo2Error as error:
                status = REFUSED
                said.write(f"{error}\n")
            except Reached:
                made = reached[0]
            except Exception:
                status = TRACEBACK
                said.write(traceback.format_exc())
    return Seen(status, lines_of(said.getvalue()), made, snapshot(folder) - before)


def problem(case: Case, seen: Seen) -> str:
    """One line, the right one, and nothing left behind; or no refusal, and what was made is right."""
    if seen.status not in (DONE, REFUSED):
        return f"ended with status {seen.status}: {' / '.join(seen.lines[-3:])}"
    if case.is_right is not None:
        if seen.status == REFUSED:
            return f"was refused: {seen.message}"
        return "" if case.is_right(seen.made) else f"is not right: {seen.made!r:.200}"
    if seen.status == DONE:
        return "was not refused"
    if len(seen.lines) != 1:
        return f"said {len(seen.lines)} lines: {' / '.join(seen.lines)[:400]}"
    if case.said not in seen.message:
        return f"does not say {case.said!r}: {seen.message}"
    return f"left behind {sorted(seen.new_files)}" if seen.new_files else ""


def lines_of(said: str) -> list[str]:
    """Without the notes on what is handled, and without progress."""
    return [line for line in said.splitlines() if line.strip() and not line.startswith("note:")]


def snapshot(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@contextlib.contextmanager
def stopped_at_the_first_clip() -> Iterator[list[Render]]:
    """Ends an animation where its long work begins, and yields what would have been rendered."""
    reached: list[Render] = []

    def first_clip(inputs, speech, *rest):  # noqa: ANN001 - as `animate`
        reached.append(Render(inputs, speech, *rest[:1], None))
        raise Reached

    assert animate.__name__ == "animate"
    with patch("hallo2_core.animation.render.animate", first_clip):
        yield reached


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def logged_to(said: io.StringIO) -> Iterator[None]:
    """Warnings of the log are no refusal: they are kept apart as notes."""
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("note: %(message)s"))
    root = logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    try:
        yield
    finally:
        root.handlers = before


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """A hang becomes a TimeoutError, where signals can interrupt one."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(*_arguments: object) -> None:
        raise TimeoutError(f"no end after {SECONDS_PER_CASE} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS_PER_CASE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true", required=True, help="print every case")
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"only these of {', '.join(AREAS)}")
    chosen = parser.parse_args().areas or list(AREAS)
    wrong = count = 0
    with tempfile.TemporaryDirectory() as media:
        write_media(Path(media))
        for area in chosen:
            for case in AREAS[area]:
                with tempfile.TemporaryDirectory() as folder:
                    seen = seen_of(case, Path(media), Path(folder))
                    found = problem(case, seen)
                count, wrong = count + 1, wrong + bool(found)
                verdict = "WRONG" if found else "refused" if seen.status == REFUSED else "handled"
                said = (
                    (found or (seen.message if seen.status == REFUSED else "")).replace(media, "…").replace(folder, "…")
                )
                print(f"{area:9}{case.name:44}{verdict:9}{said}", flush=True)
    print(f"{count} cases, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
