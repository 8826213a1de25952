"""Let the file system fail at every call of small jobs: `python tests/soak/faults.py [--errors 2] [--rooms 100]`.

An animation, an upscaled video and a paste-back, each new, half finished, and finished already. Every call that they
make below their folder (open, read, write, close, fsync, rename, unlink, mkdir, truncate, flock, stat, list; Python's
and libav's alike) fails once, with several errors. Writes are cut short; the disk is full after any number of bytes,
breaks for good, or becomes read-only. Each time the run must succeed, or end with one Hallo2Error that names the cause
and fitting advice. The same run without a fault must then resume after all finished clips, give the same file byte for
byte, and leave nothing else behind. Prints the figures as JSON; exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import errno
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "soak")]

from failing_calls import FROM_NOW_ON, KINDS, READ_ONLY, SHORT, FailingCalls, Fault, preload  # noqa: E402

ON_CHANGES = (errno.EIO, errno.EACCES, errno.ESTALE, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
ERRORS = {kind: ON_CHANGES for kind in KINDS} | {
    "open": (*ON_CHANGES, errno.EMFILE),
    "read": (errno.EIO, errno.ESTALE, errno.ETIMEDOUT),
    "close": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "flock": (errno.EIO, errno.ESTALE, errno.ENOLCK, errno.EOPNOTSUPP),
    "stat": (errno.EIO, errno.ESTALE, errno.EACCES),
    "list": (errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE),
}
STAGES = ("new", "half finished", "finished")
MEMORY_DISK = Path("/dev/shm")


@dataclass(frozen=True)
class Full:
    """The disk is full after so many more bytes."""

    room: int
    error: int


@dataclass
class Figures:
    faults: Counter[str] = field(default_factory=Counter)  # by kind of call
    ended: Counter[str] = field(default_factory=Counter)  # how the disturbed runs ended
    clips_kept: int = 0
    clips_lost: int = 0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", type=int, default=2, help="how many errors each call fails with, in turn")
    parser.add_argument("--rooms", type=int, default=100, help="how often the disk is full, per job and stage")
    parser.add_argument("--only", default="", help="jobs and stages whose names contain this")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    preload()
    import torch

    from hallo2_core.jobs import job as jobs

    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("hallo2").setLevel(logging.CRITICAL)  # thousands of warnings about the growing video
    jobs.CLIPS_PER_SEGMENT = 2
    draws, figures, started = random.Random(arguments.seed), Figures(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
        with suppress(KeyboardInterrupt):  # the figures so far
            for stage in stages(Path(folder) / "run", arguments.only):
                faults = list(stage.faults(arguments.errors, arguments.rooms, draws))
                draws.shuffle(faults)
                for fault in faults:
                    stage.disturb(fault, figures)
                sys.stderr.write(f"{stage.name}: {figures.faults.total()} faults, {len(figures.wrong)} wrong\n")
    for line in figures.wrong:
        sys.stderr.write(f"WRONG: {line}\n")
    found = {
        "faults": figures.faults.total(),
        "by_call": dict(figures.faults.most_common()),
        "runs_ended": dict(figures.ended.most_common()),
        "finished_clips": figures.clips_kept,
        "finished_clips_lost": figures.clips_lost,
        "wrong": len(figures.wrong),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(found))
    return int(bool(figures.wrong or figures.clips_lost))


def stages(folder: Path, only: str) -> Iterator[Stage]:
    from small_jobs import small_jobs

    calls = FailingCalls(folder)
    for small in small_jobs():
        for name in STAGES:
            if only in f"{small.name}, {name}":
                yield Stage(small, name, folder, calls)


class Stage:
    """One job at one point of its life."""

    def __init__(self, small, point: str, folder: Path, calls: FailingCalls) -> None:  # noqa: ANN001
        self.name = f"{small.name}, {point}"
        self._small, self._folder, self._calls = small, folder, calls
        self._template = folder.with_name("template")
        self._clips = self._prepare(point)
        self._reset()
        self._undisturbed = self._small.run(folder)
        self._positions, self._files = calls.calls, self._seen()
        if self._undisturbed.error is not None:
            raise self._undisturbed.error

    def _prepare(self, point: str) -> int:
        """Make the template. Returns the number of its finished clips."""
        from stand_ins import RecordingRuntime

        for folder in (self._folder, self._template):
            shutil.rmtree(folder, ignore_errors=True)
        self._folder.mkdir()
        self._calls.count()
        self._small.prepare(self._folder)
        clips = 0
        if point != "new":
            runtime = RecordingRuntime(self._small.half_way if point == "half finished" else None)
            clips = self._small.run(self._folder, runtime).finished_clips
            assert clips > 0, self.name
        shutil.copytree(self._folder, self._template)
        return clips

    def _reset(self) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self._template, self._folder)
        self._calls.count()

    def _seen(self) -> dict[str, bytes | None]:
        """What lies in the folder; a folder is None."""
        return {
            str(path.relative_to(self._folder)): path.read_bytes() if path.is_file() else None
            for path in self._folder.rglob("*")
        }

    def faults(self, errors: int, rooms: int, draws: random.Random) -> Iterator[Fault | Full]:
        for kind, positions in self._positions.items():
            for number in range(positions):
                some = [ERRORS[kind][(number + turn) % len(ERRORS[kind])] for turn in range(errors)]
                yield from (Fault(kind, number, error) for error in dict.fromkeys(some))
                if kind == "write":
                    yield Fault(kind, number, 0, SHORT)
        written = sum(len(content) for content in self._files.values() if content)
        for _ in range(rooms):
            yield Full(draws.randrange(3 * written), draws.choice((errno.ENOSPC, errno.EDQUOT)))
            kind = draws.choice([kind for kind, positions in self._positions.items() if positions])
            number = draws.randrange(self._positions[kind])
            yield Fault(kind, number, draws.choice((errno.EIO, errno.ESTALE)), FROM_NOW_ON)
            yield Fault(kind, number, errno.EROFS, READ_ONLY)

    def disturb(self, fault: Fault | Full, figures: Figures) -> None:
        self._reset()
        if isinstance(fault, Full):
            self._calls.leave_room(fault.room, fault.error)
        else:
            self._calls.fault(fault)
        disturbed = self._small.run(self._folder)
        hits = self._calls.hits
        self._calls.count()
        if not hits:  # the disk was large enough
            return
        figures.faults[fault.kind if isinstance(fault, Fault) else "full disk"] += 1
        where = f"{self.name}, {_told(fault)}"
        if disturbed.error is None:
            figures.ended["as if nothing had happened"] += 1
        else:
            figures.ended[type(disturbed.error).__name__] += 1
            figures.wrong += [f"{where}: {what}" for what in complaints(disturbed.error, fault)]
        kept = max(self._clips, disturbed.finished_clips)
        again = self._small.run(self._folder)
        lost = kept - again.resumed_from
        if disturbed.resumed_from >= 0:  # it may also have lost some itself
            lost = max(lost, self._clips - disturbed.resumed_from)
        figures.clips_kept += kept
        figures.clips_lost += max(lost, 0)
        if lost > 0:
            figures.wrong.append(f"{where}: {lost} of {kept} clips lost; the first run: {disturbed.error}")
        if again.error is not None:
            figures.wrong.append(f"{where}: the next run failed: {_in_full(again.error)}")
        elif (seen := self._seen()) != self._files:
            differing = [name for name in {**seen, **self._files} if seen.get(name, b"") != self._files.get(name, b"")]
            figures.wrong.append(f"{where}: missing, left or different: {differing}; the first run: {disturbed.error}")


def complaints(error: Exception, fault: Fault | Full) -> Iterator[str]:
    """What is wrong with the message."""
    from hallo2_core.errors import Hallo2Error
    from hallo2_core.storage.advice import advice_for

    if not isinstance(error, Hallo2Error):
        yield f"not a Hallo2Error: {_in_full(error)}"
        return
    cause = OSError(fault.error, os.strerror(fault.error))
    if cause.strerror not in str(error):
        yield f"{cause.strerror} is not named in: {error}"
    elif advice_for(cause) not in str(error) and "files there cannot be changed" not in str(error):
        yield f"other advice than '{advice_for(cause)}' in: {error}"


def _told(fault: Fault | Full) -> str:
    if isinstance(fault, Full):
        return f"full after {fault.room} bytes, {errno.errorcode[fault.error]}"
    mode = ("once", "cut short", "broken from there", "read-only from there")[fault.mode]
    return f"{fault.kind} {fault.number} {errno.errorcode.get(fault.error, '')} {mode}"


def _in_full(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).strip()


if __name__ == "__main__":
    sys.exit(main())
