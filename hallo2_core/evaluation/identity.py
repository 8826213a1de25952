"""Identity: the cosine between the face embeddings of a frame and of the first face."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..inspection.likeness import LEVELS
from ..portrait.face_analysis import FaceFinder


class Identity:
    """Of the last frame of every `every`, against the reference's first face, or the video's own without a reference.
    Of a video: the mean."""

    def __init__(self, faces: FaceFinder, every: int) -> None:
        self._faces, self._every = faces, every
        self._number = 0
        self._known: Tensor | None = None
        self._total, self._count = 0.0, 0

    def add(self, frame: Tensor, reference: Tensor | None) -> Mapping[str, float]:
        """frame, reference: (h w 3) uint8."""
        number, self._number = self._number, self._number + 1
        if self._known is None:
            self._known = self._embedding(frame if reference is None else reference)
        if self._known is None or number % self._every != self._every - 1:
            return {}
        embedding = self._embedding(frame)
        if embedding is None:
            return {}
        value = float(torch.cosine_similarity(embedding, self._known, dim=0))
        self._total, self._count = self._total + value, self._count + 1
        return {"identity": value}

    def figures(self) -> Mapping[str, float]:
        return {"identity": self._total / self._count} if self._count else {}

    def _embedding(self, frame: Tensor) -> Tensor | None:
        """(512), of the largest face; None if there is none that the recognizer's detector found."""
        picture = frame.float() / LEVELS
        found = self._faces.find(picture)
        embedding = self._faces.identity(picture, found[0]) if found else None
        return embedding if embedding is not None and bool(embedding.any()) else None
