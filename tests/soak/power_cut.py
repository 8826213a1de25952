"""Cut the power at any moment of small jobs: `python tests/soak/power_cut.py [--cuts 100] [--disks 5] [--seed 0]`.

Every change that an animation, an upscaled video and a paste-back make to files and names is recorded. For many moments
between two changes, the folder is rebuilt as a disk may look after a power cut there: everything synced, and any part
of the rest (see `recorded_disk.py`). From each such disk the same run must resume after every clip that the job had
confirmed, give the same file byte for byte, and leave nothing else behind. Prints the figures as JSON; exit status 1 if
anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "soak")]

from failing_calls import FailingCalls, preload  # noqa: E402
from recorded_disk import Change, RecordedDisk, read_record  # noqa: E402

# How probably unsynced bytes, and unsynced names, survive.
SURVIVAL = ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.5))


@dataclass
class Figures:
    disks: int = 0
    moments: int = 0
    confirmed_clips: int = 0
    clips_lost: int = 0
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100, help="moments per job; 0: all of them")
    parser.add_argument("--disks", type=int, default=len(SURVIVAL), help="per moment")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    preload()
    import torch
    from small_jobs import small_jobs

    from hallo2_core.jobs import job as jobs

    torch.set_num_threads(1)
    logging.getLogger("hallo2").setLevel(logging.ERROR)
    jobs.CLIPS_PER_SEGMENT = 2
    draws, figures, started = random.Random(arguments.seed), Figures(), time.monotonic()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        calls = FailingCalls(Path(folder) / "run")
        for small in small_jobs():
            cut_one(small, Path(folder), calls, arguments.cuts, arguments.disks, draws, figures)
            sys.stderr.write(f"{small.name}: {figures.disks} disks, {len(figures.wrong)} wrong\n")
    for line in figures.wrong:
        sys.stderr.write(f"WRONG: {line}\n")
    found = {
        "moments": figures.moments,
        "disks": figures.disks,
        "confirmed_clips": figures.confirmed_clips,
        "confirmed_clips_lost": figures.clips_lost,
        "wrong": len(figures.wrong),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(found))
    return int(bool(figures.wrong))


def cut_one(  # noqa: PLR0913
    small,
    folder: Path,
    calls: FailingCalls,
    cuts: int,
    disks: int,
    draws: random.Random,
    figures: Figures,  # noqa: ANN001
) -> None:
    run, before = folder / "run", folder / "before"
    for place in (run, before):
        shutil.rmtree(place, ignore_errors=True)
    run.mkdir()
    small.prepare(run)
    shutil.copytree(run, before)
    changes = recorded(small, run, folder / "record", calls)
    expected = content_of(run)
    moments = range(len(changes) + 1)
    chosen = set(moments if not cuts else draws.sample(moments, min(cuts, len(moments))))
    shutil.rmtree(run)
    shutil.copytree(before, run)
    disk = RecordedDisk(run)
    for moment in moments:
        for turn in range(disks if moment in chosen else 0):
            disk.cut(*SURVIVAL[turn % len(SURVIVAL)], draws)
            after = small.run(run)
            where = f"{small.name}, change {moment} of {len(changes)}, survival {SURVIVAL[turn % len(SURVIVAL)]}"
            lost = max(disk.confirmed_clips - after.resumed_from, 0)
            figures.disks += 1
            figures.confirmed_clips += disk.confirmed_clips
            figures.clips_lost += lost
            if lost:
                figures.wrong.append(f"{where}: {lost} of {disk.confirmed_clips} clips lost")
            if after.error is not None:
                figures.wrong.append(f"{where}: {after.error!r}")
            elif (found := content_of(run)) != expected:
                differing = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
                figures.wrong.append(f"{where}: missing, left or different: {differing}")
        figures.moments += moment in chosen
        if moment < len(changes):
            disk.apply(changes[moment])


def recorded(small, run: Path, record: Path, calls: FailingCalls) -> list[Change]:  # noqa: ANN001
    with record.open("w+b", buffering=0) as file:
        calls.record(file.fileno())
        done = small.run(run, confirmed=lambda clips: os.write(file.fileno(), b"confirmed\t\t\t%d\t0\n" % clips))
        calls.record(-1)
    assert done.error is None, done.error
    return list(read_record(record.read_bytes()))


def content_of(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


if __name__ == "__main__":
    sys.exit(main())
