"""Interrupt small jobs at any instruction: `python tests/soak/interrupts.py [--storms 100] [--seed 0]`.

An animation, an upscaled video and a paste-back are interrupted as by Ctrl-C, first at a random time, then up to twenty
times more in quick succession, while the run is still ending. Others are cancelled as by the host, at a random check.
The next run, in the same process, must resume after every clip that the job had confirmed, give the same file byte for
byte, and leave nothing else behind. Prints the figures as JSON; exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "soak")]

import torch  # noqa: E402
from small_jobs import Attempt, SmallJob, small_jobs  # noqa: E402
from stand_ins import PressedCancelError, RecordingRuntime  # noqa: E402

from hallo2_core.errors import JobHeldError  # noqa: E402
from hallo2_core.jobs import job as jobs  # noqa: E402

MOST_MORE, LONGEST_PAUSE_SECONDS = 20, 0.005
LONGEST_END_SECONDS = 20


class CancelledRuntime(RecordingRuntime):
    """Cancels at the n-th check."""

    def __init__(self, check: int) -> None:
        super().__init__()
        self.left = check

    def check_cancelled(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PressedCancelError


@contextmanager
def storm(after_seconds: float, more: int, pause_seconds: float):  # noqa: ANN201
    """Raises KeyboardInterrupt in the block, and again while it is being left."""
    left = [more]

    def interrupt(_signal: int, _frame: object) -> None:
        if left[0] <= 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
        left[0] -= 1
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, after_seconds, pause_seconds)
    try:
        yield
    finally:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
                break
            except KeyboardInterrupt:
                continue


def interrupted(small: SmallJob, folder: Path, seconds: float, draws: random.Random) -> tuple[str, int]:
    """Returns how the run ended, and the clips that the job had confirmed."""
    confirmed = [0]
    try:
        with storm(draws.uniform(0, seconds), draws.randint(0, MOST_MORE), draws.uniform(1e-4, LONGEST_PAUSE_SECONDS)):
            done = small.run(folder, confirmed=lambda clips: confirmed.append(clips))
    except KeyboardInterrupt:
        return "interrupted", max(confirmed)
    return "ended before" if done.error is None else repr(done.error), max(confirmed)


def after_its_end(small: SmallJob, folder: Path, waited: int) -> tuple[Attempt, int]:
    """Run again. An interrupted run may still be writing its last clip; until it has ended, the next one is refused."""
    until = time.monotonic() + LONGEST_END_SECONDS
    again = small.run(folder)
    while isinstance(again.error, JobHeldError) and time.monotonic() < until:
        waited += 1
        time.sleep(0.05)
        again = small.run(folder)
    return again, waited


def content_of(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storms", type=int, default=100, help="per job; and half as many times the host's cancel")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("hallo2").setLevel(logging.ERROR)
    jobs.CLIPS_PER_SEGMENT = 2
    draws, started = random.Random(arguments.seed), time.monotonic()
    ended: dict[str, int] = {}
    runs = kept = lost = waited = 0
    wrong: list[str] = []
    for small in small_jobs():
        with tempfile.TemporaryDirectory() as name:
            folder, template = Path(name) / "run", Path(name) / "template"
            template.mkdir()
            small.prepare(template)
            for _warm in range(2):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(template, folder)
                begun = time.monotonic()
                assert small.run(folder).error is None
                seconds = time.monotonic() - begun
            expected = content_of(folder)
            for number in range(arguments.storms + arguments.storms // 2):
                shutil.rmtree(folder)
                shutil.copytree(template, folder)
                if number < arguments.storms:
                    how, confirmed = interrupted(small, folder, seconds, draws)
                else:
                    done = small.run(folder, CancelledRuntime(draws.randrange(60)))
                    how, confirmed = type(done.error).__name__, done.finished_clips
                again, waited = after_its_end(small, folder, waited)
                runs, kept = runs + 1, kept + confirmed
                ended[how] = ended.get(how, 0) + 1
                where = f"{small.name}, {number}, {how}"
                if again.resumed_from < confirmed:
                    lost += confirmed - again.resumed_from
                    wrong.append(f"{where}: resumed from {again.resumed_from}, not {confirmed}; {again.error!r}")
                elif again.error is not None:
                    wrong.append(f"{where}: {again.error!r}")
                elif (found := content_of(folder)) != expected:
                    names = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
                    wrong.append(f"{where}: missing, left or different: {names}")
            sys.stderr.write(f"{small.name}: {runs} runs, {len(wrong)} wrong\n")
    for line in wrong:
        sys.stderr.write(f"WRONG: {line}\n")
    print(json.dumps({
        "interrupted_runs": runs, "ended": ended, "refused_until_then": waited,
        "confirmed_clips": kept, "confirmed_clips_lost": lost,
        "wrong": len(wrong), "seconds": round(time.monotonic() - started),
    }))  # fmt: skip
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
