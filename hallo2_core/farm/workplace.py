"""Where an order is worked on: in place for paths, in a scratch folder with a mirror for addresses."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..jobs.journal import newest_journal
from .mirror import JOBS, Mirror
from .orders import OUT, Order
from .remote import downloaded, is_remote, opened

SCRATCH = "hallo2-farm"
ANIMATED = "_animated"


def animated_name(out: str) -> str:
    """The video before it is upscaled: beside the result."""
    return _with(out, ANIMATED)


def section_name(out: str, number: int) -> str:
    """Of a section of a video: its job is beside the video's, and there is never such a file."""
    return _with(out, f"_section-{number}")


def _with(out: str, ending: str) -> str:
    stem, dot, suffix = out.rpartition(".")
    return f"{stem}{ending}{dot}{suffix}"


class Workplace:
    """An order with local paths, and how other machines see what is in its folder."""

    def __init__(self, order: Order, mirror: Mirror | None = None, address: str = "") -> None:
        """mirror: of a scratch folder. address: of the folder's counterpart in remote storage."""
        self.order = order
        self._mirror, self._address = mirror, address

    def shared(self, folder: Path) -> str:
        """folder: beside the order's `out`."""
        return str(folder.absolute()) if self._mirror is None else f"{self._address}/{folder.name}"

    def shared_frames(self, job: Path) -> int:
        """How many finished frames others can see of a job."""
        journal = newest_journal(job) if self._mirror is None else self._mirror.copied(job.name)
        if journal is None:
            return 0
        return journal.frames if journal.segments else journal.key.frames

    def forget(self, job: Path) -> None:
        """Remove what others see of a job that was removed here."""
        if self._mirror is not None:
            self._mirror.forget(job.name)

    def share(self) -> None:
        """Let others see everything by now."""
        if self._mirror is not None:
            self._mirror.copy()


@contextmanager
def workplace(order: Order) -> Iterator[Workplace]:
    """With a remote `out`, its jobs are restored from there, kept safe there while the work goes on, and the finished
    videos are there at the end."""
    options, upscale = localized(order.options), order.upscale and localized(order.upscale)
    if not is_remote(order.out):
        yield Workplace(replace(order, options=options, upscale=upscale))
        return
    storage, path = opened(order.out)
    place, _, name = path.rpartition("/")
    owner = hashlib.sha256(order.out.encode()).hexdigest()[:16]
    with tempfile.TemporaryDirectory(prefix=f"{SCRATCH}-{owner}-") as scratch:
        mirror = Mirror(Path(scratch), storage, place, _names_of(name))
        mirror.restore()
        with mirror:
            here = replace(order, options={**options, OUT: str(Path(scratch) / name)}, upscale=upscale)
            yield Workplace(here, mirror, order.out.rpartition("/")[0])


def remote_result(order: Order, video: Path) -> str:
    """Where a finished video is, for the user: beside the order's `out`, as jobs may get numbered names."""
    return f"{order.out.rpartition('/')[0]}/{video.name}" if is_remote(order.out) else str(video)


def localized(options: Mapping[str, Any]) -> dict[str, Any]:
    """With the paths of local copies, which other orders on this machine use too."""
    cache = Path(tempfile.gettempdir()) / SCRATCH / "inputs"
    return {
        name: str(downloaded(value, cache)) if name != OUT and is_remote(value) else value
        for name, value in options.items()
    }


def _names_of(name: str) -> re.Pattern[str]:
    """Videos and jobs of an order, with numbers if a name was taken: name-2.mp4, name.mp4-2.hallo2 and so on."""
    stem, dot, suffix = name.rpartition(".")
    number, job = r"(-\d+)?", re.escape(Path(JOBS).suffix)
    return re.compile(f"{re.escape(stem)}({ANIMATED})?{number}{re.escape(dot + suffix)}({number}{job})?")
