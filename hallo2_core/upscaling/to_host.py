"""Copies finished frames to the host while the device computes the next ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..video.colour import Planes


@dataclass(frozen=True)
class FinishedFrame:
    planes: Planes
    preview: Tensor  # (h w 3), 0..1, the whole frame, small


def to_host(frames: Iterable[FinishedFrame]) -> Iterator[FinishedFrame]:
    """Yield the same frames on the CPU, in order."""
    return one_behind(map(_begin_copy, frames))


def one_behind(copies: Iterable[Callable[[], FinishedFrame] | FinishedFrame]) -> Iterator[FinishedFrame]:
    """Yield frames on the CPU unchanged, and others once the next one's copy has started: the device then has work
    queued while this thread waits for the copy. copies: frames, or functions that wait for one and return it."""
    pending: Callable[[], FinishedFrame] | None = None
    for copy in copies:
        if isinstance(copy, FinishedFrame):
            yield copy
            continue
        if pending is not None:
            yield pending()
        pending = copy
    if pending is not None:
        yield pending()


def _begin_copy(frame: FinishedFrame) -> Callable[[], FinishedFrame] | FinishedFrame:
    samples = frame.planes.samples
    if samples.device.type == "cpu":
        return frame
    copied = FinishedFrame(
        Planes(_to_pinned(samples), frame.planes.height, frame.planes.width), _to_pinned(frame.preview)
    )
    arrival = torch.cuda.Event()
    arrival.record(torch.cuda.current_stream(samples.device))

    def wait() -> FinishedFrame:
        arrival.synchronize()
        return copied

    return wait


def _to_pinned(tensor: Tensor) -> Tensor:
    """Only copies into pinned memory are asynchronous."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
