"""Where an order is worked on: in place for paths, in a scratch folder with a mirror for addresses."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .mirror import JOBS, Mirror
from .orders import OUT, Order
from .remote import downloaded, is_remote, opened

SCRATCH = "hallo2-farm"
ANIMATED = "_animated"


def animated_name(out: str) -> str:
    """The video before it is upscaled: beside the result."""
    stem, dot, suffix = out.rpartition(".")
    return f"{stem}{ANIMATED}{dot}{suffix}"


@contextmanager
def workplace(order: Order) -> Iterator[Order]:
    """Yields the order with local paths. With a remote `out`, its jobs are restored from there, kept safe there while
    the work goes on, and the finished videos are there at the end."""
    cache = Path(tempfile.gettempdir()) / SCRATCH / "inputs"
    options, upscale = _localized(order.options, cache), order.upscale and _localized(order.upscale, cache)
    if not is_remote(order.out):
        yield Order(order.line, options, upscale)
        return
    storage, path = opened(order.out)
    place, _, name = path.rpartition("/")
    owner = hashlib.sha256(order.out.encode()).hexdigest()[:16]
    with tempfile.TemporaryDirectory(prefix=f"{SCRATCH}-{owner}-") as scratch:
        mirror = Mirror(Path(scratch), storage, place, _names_of(name))
        mirror.restore()
        with mirror:
            yield Order(order.line, {**options, OUT: str(Path(scratch) / name)}, upscale)


def remote_result(order: Order, video: Path) -> str:
    """Where a finished video is, for the user: beside the order's `out`, as jobs may get numbered names."""
    return f"{order.out.rpartition('/')[0]}/{video.name}" if is_remote(order.out) else str(video)


def _localized(options: Mapping[str, Any], cache: Path) -> dict[str, Any]:
    return {
        name: str(downloaded(value, cache)) if name != OUT and is_remote(value) else value
        for name, value in options.items()
    }


def _names_of(name: str) -> re.Pattern[str]:
    """Videos and jobs of an order, with numbers if a name was taken: name-2.mp4, name.mp4-2.hallo2 and so on."""
    stem, dot, suffix = name.rpartition(".")
    number, job = r"(-\d+)?", re.escape(Path(JOBS).suffix)
    return re.compile(f"{re.escape(stem)}({ANIMATED})?{number}{re.escape(dot + suffix)}({number}{job})?")
