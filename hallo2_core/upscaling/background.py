"""Everything but the faces: resampled, or upscaled in tiles by one of the host's upscale models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..errors import MemoryShortageError
from ..runtime import Runtime

TILE_PX = 512
SMALLEST_TILE_PX = 128
TILE_OVERLAP_PX = 32
# At a tile's edge inside the picture, this share of the overlap is dropped: the network lacks context there.
DROPPED_SHARE = 4


class Background(Protocol):
    def __call__(self, picture: Tensor, height: int, width: int) -> Tensor:
        """picture: (h w 3), 0..1. Returns (height width 3), 0..1: a new tensor, or the input itself."""


class PictureUpscaler(Protocol):
    """A network that enlarges pictures by a fixed factor; ComfyUI's `UPSCALE_MODEL` behind the node layer."""

    scale: int

    def __call__(self, picture: Tensor) -> Tensor:
        """picture: (1 3 h w), 0..1. Returns (1 3 scale·h scale·w), on any device."""


def resample(picture: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, antialiased where it shrinks. A picture that already has the size is returned unchanged."""
    if picture.shape[:2] == (height, width):
        return picture
    planes = rearrange(picture, "h w c -> 1 c h w")
    resized = F.interpolate(planes, (height, width), mode="bicubic", antialias=True)
    return rearrange(resized, "1 c h w -> h w c").clamp_(0.0, 1.0)


class TiledBackground:
    """`upscaler` on overlapping tiles that are blended, then resampled to the requested size.

    If a tile exceeds the device's memory, tiles become half as wide and high from that frame on. A network with a
    reach of at most 8 px gives the same picture with tiles of any size; otherwise blending hides the difference.
    """

    def __init__(
        self,
        upscaler: PictureUpscaler,
        runtime: Runtime,
        tile_px: int = TILE_PX,
        overlap_px: int = TILE_OVERLAP_PX,
        smallest_tile_px: int = SMALLEST_TILE_PX,
    ) -> None:
        self.tile_px = tile_px
        self._upscaler, self._runtime = upscaler, runtime
        self._overlap_px, self._smallest_tile_px = overlap_px, smallest_tile_px

    def __call__(self, picture: Tensor, height: int, width: int) -> Tensor:
        """Raises MemoryShortageError if even the smallest tiles are too large."""
        planes = rearrange(picture, "h w c -> c h w")
        drawn = None
        while drawn is None:
            try:
                drawn = self._drawn(planes)
            except Exception as error:
                if not self._runtime.is_out_of_memory(error):
                    raise
                found = str(error).partition("\n")[0]
            if drawn is None:
                self._halve_tiles(found)
        return resample(rearrange(drawn, "c h w -> h w c"), height, width)

    def _drawn(self, planes: Tensor) -> Tensor:
        """planes: (3 h w). Returns (3 scale·h scale·w), 0..1, on the same device."""
        scale = self._upscaler.scale
        drawn = planes.new_zeros(3, planes.shape[1] * scale, planes.shape[2] * scale)
        weights = planes.new_zeros(1, *drawn.shape[1:])
        for rows in spans(planes.shape[1], self.tile_px, self._overlap_px):
            for columns in spans(planes.shape[2], self.tile_px, self._overlap_px):
                self._runtime.check_cancelled()
                tile = self._upscaler(planes[:, rows, columns].unsqueeze(0)).squeeze(0).to(drawn)
                down, across = (
                    self._weight(span, size) for span, size in zip((rows, columns), planes.shape[1:], strict=True)
                )
                weight = down.to(drawn).unsqueeze(1) * across.to(drawn)
                place = (slice(None), _scaled(rows, scale), _scaled(columns, scale))
                drawn[place] += tile * weight
                weights[place] += weight
        return drawn.div_(weights).clamp_(0.0, 1.0)

    def _halve_tiles(self, found: str) -> None:
        """found: the device's error message."""
        halved = self.tile_px // 2
        if halved < self._smallest_tile_px:
            raise MemoryShortageError(
                f"The upscale model ran out of memory even with tiles of {self.tile_px}x{self.tile_px} px ({found}). "
                f"Close other programs that use the device, choose a smaller upscale model, or disconnect it."
            )
        self._runtime.notify(
            f"Out of memory: the upscale model continues with tiles of {halved}x{halved} px instead of "
            f"{self.tile_px}x{self.tile_px}, which is slower."
        )
        self._runtime.free_memory()
        self.tile_px = halved

    def _weight(self, span: slice, size: int) -> Tensor:
        """One axis of a tile's weight: 0 at an edge shared with a neighbor, then rising; 1 at the picture's edges."""
        scale = self._upscaler.scale
        length, dropped = (span.stop - span.start) * scale, self._overlap_px // DROPPED_SHARE * scale
        fade = self._overlap_px * scale - 2 * dropped
        rise = ((torch.arange(length) - dropped + 0.5) / max(fade, 1)).clamp(0.0, 1.0)
        weight = torch.ones(length)
        if span.start > 0:
            weight = torch.minimum(weight, rise)
        if span.stop < size:
            weight = torch.minimum(weight, rise.flip(0))
        return weight


def spans(size: int, tile: int, overlap: int) -> Iterator[slice]:
    """Ranges of up to `tile` pixels that cover 0..size; neighbors overlap by at least `overlap` pixels."""
    last = max(size - tile, 0)
    starts = [*range(0, last, tile - overlap), last]
    yield from (slice(start, min(start + tile, size)) for start in starts)


def _scaled(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
