"""Identity: the cosine between the face embeddings of a frame and of the first face."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..inspection.likeness import LEVELS, face_embedding
from ..portrait.face_analysis import FaceFinder
from .measure import MeanOfFrames


class Identity:
    """Of the last frame of every `every`, against the reference's first face, or the video's own without a reference.
    Of a video: the mean."""

    def __init__(self, faces: FaceFinder, every: int) -> None:
        self._faces, self._every = faces, every
        self._number = 0
        self._known: Tensor | None = None
        self._mean = MeanOfFrames("identity")

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
        return self._mean.add(float(torch.cosine_similarity(embedding, self._known, dim=0)))

    def figures(self) -> Mapping[str, float]:
        return self._mean.figures()

    def _embedding(self, frame: Tensor) -> Tensor | None:
        return face_embedding(self._faces, frame.float() / LEVELS)
