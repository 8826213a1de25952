"""The drawing stage: encoder, generator and fusion, from parts of degraded faces, for every fidelity, without codes.

The generator draws from the features themselves, so that it knows how to draw before it has to do with codes, and the
fusion knows what to hand on. Parts are enough to learn from, and cost a sixteenth of a face.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ..records import RecordShards
from .degradation import DegradationSettings
from .face_pairs import FacePairs
from .picture_errors import picture_errors
from .stage import FacePairStage, place_px, train_only


@dataclass(frozen=True)
class DrawingSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    weights: str = ""  # a file to begin with; "" starts from scratch
    crop_px: int = 128  # side of the part of a face that is learned from; 0: all of it
    square_weight: float = 4.0  # of the squared error, in addition to the pyramid's absolute error
    color_weight: float = 1.0  # of the absolute error of the mean colors of each code's place
    color_swap_ratio: float = 0.25
    degradation: DegradationSettings = field(default_factory=DegradationSettings)


class DrawingObjective(nn.Module):
    """Pyramid, squared and color error of what is drawn from the encoder's features at each sample's fidelity."""

    def __init__(self, restorer: VideoRestorer, settings: DrawingSettings) -> None:
        super().__init__()
        self.restorer = restorer
        self.settings = settings
        train_only(restorer, ("encoder", "fusion", "generator"))

    def forward(self, batch: FacePairs) -> dict[str, Tensor]:
        drawn = self.drawn(batch.given, rearrange(batch.fidelity, "b -> b 1 1 1")).float()
        settings = self.settings
        return picture_errors(drawn, batch.true, place_px(self.restorer), settings.square_weight, settings.color_weight)

    def drawn(self, given: Tensor, fidelity: Tensor | float) -> Tensor:
        """given: (b 3 h w), faces or parts of them at a face's scale.  Returns the same shape, not clamped."""
        restorer, config = self.restorer, self.restorer.config
        part_px = given.shape[-1]
        sides = [side * part_px // config.side_px for side in config.fused_sides]
        features, kept = restorer.encoder(given, sides)
        return restorer.generator(features, restorer.fusions(kept, fidelity, part_px))


class DrawingStage(FacePairStage):
    name = "upscaler_drawing"
    fidelities = (0.0, 0.5, 1.0)

    def __init__(self, restorer: VideoRestorer, settings: DrawingSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(DrawingObjective(restorer, settings), settings, faces, held_back, seed)

    @property
    def crop_px(self) -> int:
        return self._settings.crop_px

    def restored(self, given: Tensor, fidelity: float) -> Tensor:
        return self.network.drawn(given, fidelity)
