"""Everything but the faces: resampled, or drawn by a picture upscaler of the host's in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..runtime import Runtime

TILE_PX = 512
TILE_OVERLAP_PX = 32


class Background(Protocol):
    def __call__(self, picture: Tensor, height: int, width: int) -> Tensor:
        """picture: (h w 3), 0..1. Returns (height width 3), 0..1: a new one, or the given one as it is."""


class PictureUpscaler(Protocol):
    """A network that enlarges pictures by a fixed factor; ComfyUI's `UPSCALE_MODEL` behind the node layer."""

    scale: int

    def __call__(self, picture: Tensor) -> Tensor:
        """picture: (1 3 h w), 0..1. Returns (1 3 scale·h scale·w), on any device."""


def resample(picture: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, averaging where it shrinks. A picture that has the size already comes back as it is."""
    if picture.shape[:2] == (height, width):
        return picture
    planes = rearrange(picture, "h w c -> 1 c h w")
    resized = F.interpolate(planes, (height, width), mode="bicubic", antialias=True)
    return rearrange(resized, "1 c h w -> h w c").clamp_(0.0, 1.0)


@dataclass(frozen=True)
class TiledBackground:
    """`upscaler` on tiles that overlap and are faded into each other, then resampled to the size asked for."""

    upscaler: PictureUpscaler
    runtime: Runtime
    tile_px: int = TILE_PX
    overlap_px: int = TILE_OVERLAP_PX

    def __call__(self, picture: Tensor, height: int, width: int) -> Tensor:
        planes = rearrange(picture, "h w c -> c h w")
        scale = self.upscaler.scale
        drawn = torch.zeros(3, planes.shape[1] * scale, planes.shape[2] * scale)
        weights = torch.zeros(1, *drawn.shape[1:])
        for rows in spans(planes.shape[1], self.tile_px, self.overlap_px):
            for columns in spans(planes.shape[2], self.tile_px, self.overlap_px):
                self.runtime.check_cancelled()
                tile = self.upscaler(planes[:, rows, columns].unsqueeze(0)).squeeze(0).float().cpu()
                weight = self._weight(rows, planes.shape[1]).unsqueeze(1) * self._weight(columns, planes.shape[2])
                place = (slice(None), _scaled(rows, scale), _scaled(columns, scale))
                drawn[place] += tile * weight
                weights[place] += weight
        whole = rearrange(drawn.div_(weights), "c h w -> h w c").clamp_(0.0, 1.0)
        return resample(whole, height, width)

    def _weight(self, span: slice, size: int) -> Tensor:
        """One axis of a tile's weight: rises over the overlap with a neighbour, whole at the picture's edges."""
        scale = self.upscaler.scale
        length, fade = (span.stop - span.start) * scale, self.overlap_px * scale
        rise = (torch.arange(length) + 0.5) / max(fade, 1)
        weight = torch.ones(length)
        if span.start > 0:
            weight = torch.minimum(weight, rise)
        if span.stop < size:
            weight = torch.minimum(weight, rise.flip(0))
        return weight


def spans(size: int, tile: int, overlap: int) -> Iterator[slice]:
    """Stretches of up to `tile` pixels that cover 0..size, neighbours sharing `overlap` pixels or more."""
    last = max(size - tile, 0)
    starts = [*range(0, last, tile - overlap), last]
    yield from (slice(start, min(start + tile, size)) for start in starts)


def _scaled(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
