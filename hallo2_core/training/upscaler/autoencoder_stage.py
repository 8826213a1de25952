"""The autoencoder stage: encoder, codebook and generator, from sharp faces to codes and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ..draws import sample_generator
from ..prepare_faces import FRAMES
from ..records import RecordShards
from ..vae_stage import decibels, pixels_of
from .color_swap import swapped_colors
from .picture_errors import picture_errors
from .quantization import fitted_codes, perplexity, quantized
from .stage import RestorerStage, train_only

TRAINED = ("encoder", "codebook", "generator")


@dataclass(frozen=True)
class AutoencoderSettings:
    faces: str  # a folder of training shards, made by 'hallo2 prepare faces'
    validation_faces: str
    weights: str = ""  # a file to begin with; "" starts from scratch
    fitted_faces: int = 0  # from whose features the codebook is computed anew at the start; 0: it stays
    crop_px: int = 192  # side of the part of a face that is learned from; 0: all of it
    color_swap_ratio: float = 0.5  # of the samples with red, green and blue in another order; see `swapped_colors`
    square_weight: float = 2.0  # of the squared error, in addition to the pyramid's absolute error
    color_weight: float = 2.0  # of the absolute error of the mean colors of each code's place
    code_weight: float = 1.0  # of the distance between features and codes


class AutoencoderObjective(nn.Module):
    """Pyramid, squared and color error of the picture, and the distance between features and codes."""

    def __init__(self, restorer: VideoRestorer, settings: AutoencoderSettings) -> None:
        super().__init__()
        self.restorer = restorer
        self.settings = settings
        train_only(restorer, TRAINED)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """pictures: (b 3 h w) uint8."""
        restorer, settings = self.restorer, self.settings
        pictures = pixels_of(pictures)
        features, _ = restorer.encoder(pictures)
        features = features.float()
        drawing = quantized(features, restorer.codebook)
        drawn = restorer.generator(drawing.vectors).float()
        place_px = drawn.shape[-1] // features.shape[-1]
        errors = picture_errors(drawn, pictures, place_px, settings.square_weight, settings.color_weight)
        return {
            **errors,
            "loss": errors["loss"] + settings.code_weight * drawing.distance,
            "code_distance": drawing.distance,
            "perplexity": perplexity(drawing.codes, restorer.config.codes),
        }


class AutoencoderStage(RestorerStage):
    name = "upscaler_autoencoder"

    def __init__(self, restorer: VideoRestorer, settings: AutoencoderSettings, faces: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(AutoencoderObjective(restorer, settings), settings, faces, held_back, seed)

    def initialize(self) -> None:
        if self._settings.fitted_faces:
            self._fit_codebook()

    def batch(self, numbers: Sequence[int]) -> Tensor:
        return torch.stack([self._sample(number) for number in numbers])

    def _sample(self, number: int) -> Tensor:
        """(3 h w) uint8: a face or a part of it, mirrored half of the time, and sometimes in other colors."""
        draws = sample_generator(self._seed, number, self.name)

        def draw(limit: int) -> int:
            return int(torch.randint(limit, (), generator=draws))

        record = draw(len(self._records))
        face = self._records.read(record, FRAMES, draw(self._records.rows(record, FRAMES)))
        side = self._settings.crop_px or face.shape[-1]
        top, left = draw(face.shape[-2] - side + 1), draw(face.shape[-1] - side + 1)
        part = face[:, top : top + side, left : left + side]
        part = part.flip(-1) if draw(2) else part
        return part[swapped_colors(self._settings.color_swap_ratio, draws)]

    @torch.no_grad()
    def _fit_codebook(self) -> None:
        """The features get a standard deviation of 1, which changes no drawing; then the codes are fitted to them."""
        features = []
        for number in range(min(self._settings.fitted_faces, len(self._records))):
            face = pixels_of(self._records.read(number, FRAMES, slice(0, 1)).to(self.device))
            own, _ = self.restorer.encoder(face)
            features.append(rearrange(own, "b c h w -> (b h w) c"))
        spread = torch.cat(features).std()
        last, first = self.restorer.encoder.blocks[-1], self.restorer.generator.blocks[0]
        for parameter in (last.weight, last.bias):
            parameter /= spread
        first.weight *= spread
        draws = sample_generator(self._seed, 0, "fitted codes")
        table = self.restorer.codebook.embedding.weight
        table.copy_(fitted_codes(torch.cat(features) / spread, len(table), draws))

    def validate(self) -> Mapping[str, float]:
        """Whole held-back faces, through codes: PSNR in dB, and how many codes are in use."""
        restorer = self.restorer
        squares, used = [], []
        for number in range(len(self._held_back)):
            for face in pixels_of(self._held_back.read(number, FRAMES)).to(self.device).split(1):
                features, _ = restorer.encoder(face)
                drawing = quantized(features.float(), restorer.codebook)
                drawn = restorer.generator(drawing.vectors).clamp(-1, 1)
                squares.append(((drawn - face) / 2).square().mean())
                used.append(drawing.codes)
        return {
            "psnr_db": decibels(torch.stack(squares).mean()),
            "perplexity": float(perplexity(torch.cat(used), restorer.config.codes)),
        }
