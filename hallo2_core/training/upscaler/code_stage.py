"""Second stage: the codes of a sharp face from a degraded one. Codebook and generator are frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from ..records import RecordShards
from ..vae_stage import decibels
from .autoencoder_stage import is_matrix, train_only
from .code_losses import CodeLossWeights, code_losses, true_codes
from .degradation import DegradationSettings
from .face_pairs import FacePairs, face_pairs, held_back_pairs

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
    autoencoder: str  # the file of the first stage: its encoder gives the true codes
    weights: str = ""  # a file to begin with; "": the autoencoder's
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
        parts = ("encoder", "feature_embedding", "position_embedding", "code_head")
        train_only(restorer, (*parts, *alignment_parts(restorer, SPATIAL)))

    def forward(self, batch: FacePairs) -> dict[str, Tensor]:
        codes = true_codes(batch.true, self.sharp_encoder, self.restorer)
        features, _ = self.restorer.encoder(batch.given.contiguous(memory_format=torch.channels_last))
        return code_losses(self.restorer, features, codes, self.settings.loss)[0]


class CodeStage:
    name = "upscaler_codes"

    def __init__(self, restorer: VideoRestorer, sharp_encoder: Encoder, settings: CodeSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        self.network = CodeObjective(restorer, sharp_encoder, settings)
        self._settings = settings
        self._faces, self._held_back = faces, held_back
        self._seed = seed

    @property
    def restorer(self) -> VideoRestorer:
        return self.network.restorer

    def batch(self, numbers: Sequence[int]) -> FacePairs:
        side = self.restorer.config.side_px
        settings = self._settings
        return face_pairs(self._faces, numbers, side, settings.degradation, settings.color_swap_ratio, self._seed)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return is_matrix(name, self.restorer)

    def validate(self) -> Mapping[str, float]:
        return restored_figures(self.restorer, self._held_back, fidelities=(0.0,))


def restored_figures(
    restorer: VideoRestorer, held_back: RecordShards, fidelities: Sequence[float]
) -> Mapping[str, float]:
    """PSNR in dB of held-back faces: merely enlarged (bicubic), and restored at each fidelity."""
    device = next(restorer.parameters()).device
    squares: dict[str, list[Tensor]] = {}
    for given, true in held_back_pairs(held_back, restorer.config.side_px):
        given, true = given.to(device), true.to(device)
        shown = {"bicubic_psnr_db": given}
        for fidelity in fidelities:
            window = rearrange(given, "b c h w -> b 1 c h w")
            shown[f"psnr_db_at_{fidelity:g}"] = restorer(window, fidelity=fidelity).frames[:, 0].clamp(-1, 1)
        for name, picture in shown.items():
            squares.setdefault(name, []).append(((picture - true) / 2).square().mean())
    return {name: decibels(torch.stack(values).mean()) for name, values in squares.items()}
