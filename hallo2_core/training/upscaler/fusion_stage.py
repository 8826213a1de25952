"""Third stage: the fusion of the encoder's features into the generator, for every fidelity.

The generator, which has drawn from true codes only, learns to draw from predicted ones. Encoder, codebook and the
prediction of codes are frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.codebook import adopt_statistics
from ...models.upscaler.video_restorer import VideoRestorer
from ..pyramid import pyramid_distance
from ..records import RecordShards
from .autoencoder_stage import is_matrix, train_only
from .code_stage import restored_figures
from .degradation import DegradationSettings
from .face_pairs import FacePairs, face_pairs


@dataclass(frozen=True)
class FusionSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    weights: str  # the file of the second stage
    square_weight: float = 2.0  # of the squared error, in addition to the pyramid's absolute error
    degradation: DegradationSettings = field(default_factory=DegradationSettings)


class FusionObjective(nn.Module):
    """Pyramid and squared error of the restored face, at a random fidelity."""

    def __init__(self, restorer: VideoRestorer, settings: FusionSettings) -> None:
        super().__init__()
        self.restorer = restorer
        self.settings = settings
        train_only(restorer, ("fusion", "generator"))

    def forward(self, batch: FacePairs) -> dict[str, Tensor]:
        restorer = self.restorer
        with torch.no_grad():
            given = batch.given.contiguous(memory_format=torch.channels_last)
            features, kept = restorer.encoder(given, restorer.config.fused_sides)
            features = features.float()
            codes = restorer.code_logits(rearrange(features, "b c h w -> b 1 c h w"))[:, 0].argmax(dim=-1)
            drawing = adopt_statistics(restorer.codebook(codes, features), features)
        fidelity = rearrange(batch.fidelity, "b -> b 1 1 1")
        fuse = {side: partial(restorer.fusion[str(side)], own, fidelity=fidelity) for side, own in kept.items()}
        drawn = restorer.generator(drawing, fuse).float()
        pyramid, square = pyramid_distance(drawn, batch.true), F.mse_loss(drawn, batch.true)
        return {"loss": pyramid + self.settings.square_weight * square, "pyramid": pyramid, "square": square}


class FusionStage:
    name = "upscaler_fusion"

    def __init__(self, restorer: VideoRestorer, settings: FusionSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        self.network = FusionObjective(restorer, settings)
        self._settings = settings
        self._faces, self._held_back = faces, held_back
        self._seed = seed

    @property
    def restorer(self) -> VideoRestorer:
        return self.network.restorer

    def batch(self, numbers: Sequence[int]) -> FacePairs:
        side = self.restorer.config.side_px
        return face_pairs(self._faces, numbers, side, self._settings.degradation, self._seed)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return is_matrix(name, self.restorer)

    def validate(self) -> Mapping[str, float]:
        return restored_figures(self.restorer, self._held_back, fidelities=(0.0, 0.5, 1.0))
