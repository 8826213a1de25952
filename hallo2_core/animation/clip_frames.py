"""The frames of a denoised clip, decoded one at a time, on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy

import torch
from einops import rearrange
from torch import Tensor

from ..models.latents import LatentCodec, check_vae_output, decode_frames


class ClipFrames:
    """Frames (h w 3), 0..1, float32, on the CPU, in order.

    The last ones can be decoded first, since the next clip continues from them; the others later, by another thread,
    while that clip is denoised. Each frame is decoded alone (quirk 18), so the order does not change a bit.
    """

    def __init__(self, codec: LatentCodec, latents: Tensor) -> None:
        """latents: (f 4 h w), as denoised."""
        self._codec = codec
        self._latents = latents
        self._count = len(latents)
        self._decoded: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Tensor]:
        """Missing frames are decoded on the fly, and not kept."""
        for number in range(self._count):
            yield self._decoded[number] if number in self._decoded else self._decode(number)

    def first(self, count: int) -> ClipFrames:
        """The first `count` of these frames, sharing what is decoded."""
        cut = copy(self)
        cut._count = min(count, self._count)
        return cut

    def last(self, count: int) -> Tensor:
        """(m h w 3)"""
        numbers = range(self._count - count, self._count)
        return torch.stack([self._decoded[number] for number in numbers])

    def whole(self) -> Tensor:
        """(f h w 3)"""
        return torch.stack(list(self))

    def decode_last(self, count: int, check_cancelled: Callable[[], None]) -> None:
        self._keep(range(self._count - count, self._count), check_cancelled)

    def decode_all(self, check_cancelled: Callable[[], None]) -> None:
        self._keep(range(self._count), check_cancelled)

    def _keep(self, numbers: Iterable[int], check_cancelled: Callable[[], None]) -> None:
        for number in numbers:
            if number not in self._decoded:
                check_cancelled()
                self._decoded[number] = self._decode(number)

    @torch.inference_mode()  # the mode is per thread
    def _decode(self, number: int) -> Tensor:
        (frame,) = decode_frames(self._codec, self._latents[number : number + 1])
        frame = rearrange(frame, "c h w -> h w c").float().cpu()
        check_vae_output(frame, "A decoded frame's pixels")  # on the CPU: takes 0.3 ms, without a device sync
        return frame
