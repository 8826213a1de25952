"""The fusion stage: the fusion of the encoder's features into the generator, for every fidelity.

The generator, which has drawn from true codes only, learns to draw from predicted ones, and the encoder to hand on what
the codes leave out; its other losses go on, so that they are still predicted. The codebook, and the attention that
predicts its codes, are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.codebook import adopt_statistics
from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..records import RecordShards
from .code_losses import CodeLossWeights, code_losses, true_codes
from .degradation import DegradationSettings
from .face_pairs import FacePairs
from .picture_errors import picture_errors
from .stage import FacePairStage, train_only


@dataclass(frozen=True)
class FusionSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    autoencoder: str  # the file of the autoencoder stage: its encoder gives the true codes
    weights: str  # the file of the code stage
    loss: CodeLossWeights = field(default_factory=lambda: CodeLossWeights(code=0.05, feature=0.05, style=0.2))
    square_weight: float = 2.0  # of the squared error, in addition to the pyramid's absolute error
    color_weight: float = 2.0  # of the absolute error of the mean colors of each code's place
    color_swap_ratio: float = 0.5
    degradation: DegradationSettings = field(default_factory=DegradationSettings)


class FusionObjective(nn.Module):
    """Pyramid, squared and color error of the restored face, at a random fidelity; and the losses of the codes."""

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: FusionSettings) -> None:
        super().__init__()
        self.restorer = restorer
        self.sharp_encoder = sharp_encoder.requires_grad_(False)
        self.settings = settings
        train_only(restorer, ("encoder", "fusion", "generator"))

    def forward(self, batch: FacePairs) -> dict[str, Tensor]:
        restorer = self.restorer
        features, kept = restorer.encoder(batch.given, restorer.config.fused_sides)
        features = features.float()
        true = true_codes(batch.true, self.sharp_encoder, restorer)
        losses, codes = code_losses(restorer, features, true, self.settings.loss)
        drawing = adopt_statistics(restorer.codebook(codes, features), features)
        fidelity = rearrange(batch.fidelity, "b -> b 1 1 1")
        drawn = restorer.generator(drawing, restorer.fusions(kept, fidelity)).float()
        place_px, settings = drawn.shape[-1] // features.shape[-1], self.settings
        errors = picture_errors(drawn, batch.true, place_px, settings.square_weight, settings.color_weight)
        return {**losses, **errors, "loss": losses["loss"] + errors["loss"]}


class FusionStage(FacePairStage):
    name = "upscaler_fusion"
    fidelities = (0.0, 0.5, 1.0)

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: FusionSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(FusionObjective(restorer, sharp_encoder, settings), settings, faces, held_back, seed)
