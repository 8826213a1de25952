"""Frames as they come → features as FID, FVD and E-FID compare them, in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from einops import rearrange
from torch import Tensor, nn

from ..inspection.likeness import LEVELS
from ..portrait.face_analysis import FaceFinder
from .networks import face_coefficients, i3d, inception
from .networks.face_coefficients import aligned_face

BATCH = 8


class FeatureStream(Protocol):
    width: int

    def add(self, frame: Tensor) -> Tensor | None:
        """frame: (h w 3) uint8.  Returns (n d) when a batch is complete, else None."""

    def rest(self) -> Tensor | None:
        """What the last frames give; the next video may follow."""


class BatchedStream:
    """Each frame is one item: `item_of` makes it, `features_of` takes `size` of them. An item of None is left out."""

    def __init__(
        self,
        width: int,
        item_of: Callable[[Tensor], Tensor | None],
        features_of: Callable[[Tensor], Tensor],
        size: int = BATCH,
    ) -> None:
        self.width = width
        self._item_of, self._features_of, self._size = item_of, features_of, size
        self._items: list[Tensor] = []

    def add(self, frame: Tensor) -> Tensor | None:
        item = self._item_of(frame)
        if item is not None:
            self._items.append(item)
        return self._features() if len(self._items) == self._size else None

    def rest(self) -> Tensor | None:
        return self._features() if self._items else None

    def _features(self) -> Tensor:
        items, self._items = torch.stack(self._items), []
        return self._features_of(items)


class ClipStream:
    """Each whole clip of 16 frames is one item; what is left over at the end of a video is dropped."""

    width = i3d.WIDTH

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network, self._device = network, device
        self._frames: list[Tensor] = []

    def add(self, frame: Tensor) -> Tensor | None:
        self._frames.append(frame)
        if len(self._frames) < i3d.CLIP_FRAMES:
            return None
        clip, self._frames = torch.stack(self._frames), []
        return self._network(clip.unsqueeze(0).to(self._device)).cpu()

    def rest(self) -> Tensor | None:
        self._frames = []
        return None


def picture_stream(network: nn.Module, device: torch.device) -> BatchedStream:
    """For FID, network: Inception."""
    return BatchedStream(inception.WIDTH, lambda frame: frame, lambda frames: network(frames.to(device)).cpu())


def expression_stream(network: nn.Module, faces: FaceFinder, device: torch.device) -> BatchedStream:
    """For E-FID; frames without a face are left out."""

    def face_of(frame: Tensor) -> Tensor | None:
        picture = frame.float() / LEVELS
        found = faces.find(picture)
        return aligned_face(rearrange(picture, "h w c -> c h w"), found[0].five_points) if found else None

    return BatchedStream(face_coefficients.WIDTH, face_of, lambda items: network(items.to(device)).cpu())
