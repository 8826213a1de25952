"""The paper's other design (Figure 4): codes from diffusion latents, through an encoder of their own.

It learns when all else is trained, and takes the place of the encoder of pictures; the rest is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...config import PIXELS_PER_LATENT
from ...errors import SettingsError
from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..batch import Batch
from ..draws import sample_generator
from ..prepare_faces import FRAMES
from ..records import RecordShards
from ..vae_stage import decibels, pixels_of
from .code_losses import CodeLossWeights, code_losses, true_codes
from .face_pairs import enlarged_latents
from .stage import RestorerStage, train_only


@dataclass(frozen=True)
class LatentSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    autoencoder: str  # the file of the autoencoder stage: its encoder gives the true codes
    weights: str  # the file of the last stage
    loss: CodeLossWeights = field(default_factory=CodeLossWeights)


@dataclass(frozen=True)
class LatentPairs(Batch):
    latents: Tensor  # (b 4 h/8 w/8), a small video's, enlarged
    true: Tensor  # (b 3 h w) uint8


class LatentObjective(nn.Module):
    """As `CodeObjective`, for the encoder of latents."""

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: LatentSettings) -> None:
        super().__init__()
        if restorer.latent_encoder is None:
            raise SettingsError("This upscaler's shape has no encoder of latents; choose one with latent_widths.")
        self.restorer = restorer
        self.sharp_encoder = sharp_encoder.requires_grad_(False)
        self.settings = settings
        train_only(restorer, ("latent_encoder",))

    def forward(self, batch: LatentPairs) -> dict[str, Tensor]:
        codes = true_codes(pixels_of(batch.true), self.sharp_encoder, self.restorer)
        features, _ = self.restorer.latent_encoder(batch.latents)
        return code_losses(self.restorer, features, codes, self.settings.loss)[0]


class LatentStage(RestorerStage):
    name = "upscaler_latents"

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: LatentSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(LatentObjective(restorer, sharp_encoder, settings), settings, faces, held_back, seed)

    def batch(self, numbers: Sequence[int]) -> LatentPairs:
        samples = [self._sample(number) for number in numbers]
        return LatentPairs(*(torch.cat(part) for part in zip(*samples, strict=True)))

    def _sample(self, number: int) -> tuple[Tensor, Tensor]:
        draws = sample_generator(self._seed, number, self.name)
        record = int(torch.randint(len(self._records), (), generator=draws))
        frame = int(torch.randint(self._records.rows(record, FRAMES), (), generator=draws))
        return self._pair(self._records, record, slice(frame, frame + 1))

    def _pair(self, faces: RecordShards, record: int, rows: slice) -> tuple[Tensor, Tensor]:
        latents = enlarged_latents(faces, record, rows, self.restorer.config.side_px // PIXELS_PER_LATENT)
        return latents, faces.read(record, FRAMES, rows)

    def validate(self) -> Mapping[str, float]:
        """PSNR in dB of held-back faces, drawn from their latents alone."""
        squares = []
        for record in range(len(self._held_back)):
            latents, true = (x.to(self.device) for x in self._pair(self._held_back, record, slice(0, 1)))
            drawn = self.restorer(latents=latents.unsqueeze(0), fidelity=0.0).frames[0].clamp(-1, 1)
            squares.append(((drawn - pixels_of(true)) / 2).square().mean())
        return {"psnr_db": decibels(torch.stack(squares).mean())}
