"""What the upscaler's stages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ..records import RecordShards
from ..vae_stage import decibels
from .face_pairs import FaceSampler, SmallFaces, held_back_pairs


def train_only(restorer: VideoRestorer, parts: Sequence[str]) -> None:
    """Freeze all but these: the first components of their parameters' names, or more of them."""
    for name, parameter in restorer.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(f"{part}." for part in parts)))


def place_px(restorer: VideoRestorer) -> int:
    """The side of a code's place in a face."""
    return restorer.config.side_px // restorer.config.code_side


class RestorerStage:
    """A stage whose network holds the whole upscaler as `restorer`, of which it trains a part."""

    def __init__(self, network: nn.Module, settings: Any, records: RecordShards, held_back: RecordShards,  # noqa: ANN401 - each stage's own
                 seed: int) -> None:  # fmt: skip
        self.network = network
        self._settings = settings
        self._records, self._held_back = records, held_back
        self._seed = seed

    @property
    def restorer(self) -> VideoRestorer:
        return self.network.restorer

    @property
    def device(self) -> torch.device:
        return next(self.restorer.parameters()).device

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Muon may train all but the tables, and the first and last layers of encoders and generator."""
        restorer = self.restorer
        ends = [f"restorer.generator.blocks.{len(restorer.generator.blocks) - 1}."]
        for encoder in ("encoder", "latent_encoder"):
            if (network := getattr(restorer, encoder)) is not None:
                ends += [f"restorer.{encoder}.blocks.{number}." for number in (0, len(network.blocks) - 1)]
        return not name.startswith(("restorer.codebook.", "restorer.position_embedding.", "restorer.code_head.", *ends))


class FacePairStage(RestorerStage):
    """Learns from pairs of a degraded face and its drawing."""

    fidelities: Sequence[float]  # of the restored faces at validation

    crop_px = 0  # side of the part of a face that is learned from; 0: all of it

    def batch(self, numbers: Sequence[int]) -> SmallFaces:
        settings, config = self._settings, self.restorer.config
        sampler = FaceSampler(
            self._records, config.side_px, settings.degradation, settings.color_swap_ratio, self._seed,
            self.crop_px, place_px(self.restorer),
        )  # fmt: skip
        return sampler.batch(numbers)

    def validate(self) -> Mapping[str, float]:
        """PSNR in dB of held-back faces: merely enlarged (bicubic), and restored at each fidelity."""
        squares: dict[str, list[Tensor]] = {}
        for given, true in held_back_pairs(self._held_back, self.restorer.config.side_px):
            given, true = given.to(self.device), true.to(self.device)
            shown = {"bicubic_psnr_db": given}
            for fidelity in self.fidelities:
                shown[f"psnr_db_at_{fidelity:g}"] = self.restored(given, fidelity).clamp(-1, 1)
            for name, picture in shown.items():
                squares.setdefault(name, []).append(((picture - true) / 2).square().mean())
        return {name: decibels(torch.stack(values).mean()) for name, values in squares.items()}

    def restored(self, given: Tensor, fidelity: float) -> Tensor:
        """given: (b 3 h w), degraded faces.  Returns the same shape, not clamped."""
        return self.restorer(rearrange(given, "b c h w -> b 1 c h w"), fidelity=fidelity).frames[:, 0]
