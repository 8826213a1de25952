"""The code stage: the codes of a sharp face from a degraded one. Codebook and generator are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..records import RecordShards
from .code_losses import CodeLossWeights, code_losses, true_codes
from .degradation import DegradationSettings
from .face_pairs import FacePairs
from .stage import FacePairStage, train_only

SPATIAL = ("spatial_norm", "spatial_attn", "spatial_ff_norm", "spatial_ff")
TEMPORAL = ("temporal_norm", "temporal_attn", "temporal_ff_norm", "temporal_ff")


def alignment_parts(restorer: VideoRestorer, kinds: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"temporal_alignment.{layer}.{kind}" for layer in range(len(restorer.temporal_alignment)) for kind in kinds
    )


@dataclass(frozen=True)
class CodeSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    autoencoder: str  # the file of the autoencoder stage: its encoder gives the true codes
    weights: str = ""  # a file to begin with; "": the autoencoder's
    freezes_encoder: bool = False  # True: its features stay as the fusion knows them; codes are predicted from these
    loss: CodeLossWeights = field(default_factory=CodeLossWeights)
    color_swap_ratio: float = 0.5
    degradation: DegradationSettings = field(default_factory=DegradationSettings)


class CodeObjective(nn.Module):
    """Cross-entropy of the codes, and the distance of the encoder's features from the true ones."""

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: CodeSettings) -> None:
        super().__init__()
        self.restorer = restorer
        self.sharp_encoder = sharp_encoder.requires_grad_(False)
        self.settings = settings
        parts = ("feature_embedding", "position_embedding", "code_head", *alignment_parts(restorer, SPATIAL))
        train_only(restorer, parts if settings.freezes_encoder else ("encoder", *parts))

    def forward(self, batch: FacePairs) -> dict[str, Tensor]:
        codes = true_codes(batch.true, self.sharp_encoder, self.restorer)
        features, _ = self.restorer.encoder(batch.given)
        return code_losses(self.restorer, features, codes, self.settings.loss)[0]


class CodeStage(FacePairStage):
    name = "upscaler_codes"
    fidelities = (0.0,)

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: CodeSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(CodeObjective(restorer, sharp_encoder, settings), settings, faces, held_back, seed)
