"""The small model's VAE: pictures to latents of an eighth of their side and back (SD 1.x's shape)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, LATENT_SCALE
from ..models.vae import AutoencoderKL
from .draws import sample_generator
from .pyramid import pyramid_distance
from .records import FRAMES, RecordShards

LEAST_SQUARE = 1e-10  # 100 dB


@dataclass(frozen=True)
class VAEStageSettings:
    frames: str  # a folder of training shards: records with "frames", (n 3 h w) uint8
    validation_frames: str  # a folder of held-back shards
    weights: str = ""  # a file to begin with; "" starts from scratch
    crop_px: int = 64
    whole_ratio: float = 0.25  # of the samples that are the whole picture, shrunk to the crop's size, instead of a crop
    square_weight: float = 2.0  # of the squared error, in addition to the pyramid's absolute error
    kl_weight: float = 1e-4
    frozen_encoder: bool = False  # keep the latent space: train only the decoder
    latent_noise: float = 0.0  # deviation of noise on the decoder's input, in the latents'; frozen encoder


@dataclass(frozen=True)
class PictureBatch:
    pixels: Tensor  # (b 3 h w), -1..1
    noise: Tensor  # (b 4 h/8 w/8), normal

    def to(self, device: torch.device) -> PictureBatch:
        return PictureBatch(self.pixels.to(device), self.noise.to(device))


class VAEObjective(nn.Module):
    """Pyramid and squared error of the picture, and the divergence of the latents from a unit normal."""

    def __init__(self, vae: AutoencoderKL, settings: VAEStageSettings) -> None:
        super().__init__()
        self.vae = vae
        self.settings = settings
        if settings.frozen_encoder:
            vae.encoder.requires_grad_(False)
            vae.quant_conv.requires_grad_(False)

    def forward(self, batch: PictureBatch) -> dict[str, Tensor]:
        settings = self.settings
        with torch.set_grad_enabled(torch.is_grad_enabled() and not settings.frozen_encoder):
            mean, log_variance = (x.float() for x in self.vae.posterior(batch.pixels))
        if settings.frozen_encoder:
            latents = mean + settings.latent_noise / LATENT_SCALE * batch.noise
        else:
            log_variance = log_variance.clamp(-20.0, 10.0)
            latents = mean + (0.5 * log_variance).exp() * batch.noise
        pictures = self.vae.decode(latents).float()
        pyramid = pyramid_distance(pictures, batch.pixels)
        square = F.mse_loss(pictures, batch.pixels)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()
        loss = pyramid + settings.square_weight * square
        if not settings.frozen_encoder:
            loss = loss + settings.kl_weight * divergence
        return {"loss": loss, "pyramid": pyramid, "square": square, "divergence": divergence}


class VAEStage:
    name = "vae"

    def __init__(self, vae: AutoencoderKL, settings: VAEStageSettings, frames: RecordShards, held_back: RecordShards,
                 seed: int) -> None:  # fmt: skip
        self.network = VAEObjective(vae, settings)
        self.settings = settings
        self.frames = frames
        self._held_back = held_back
        self._seed = seed

    def batch(self, numbers: Sequence[int]) -> PictureBatch:
        samples = [self._sample(number) for number in numbers]
        return PictureBatch(*(torch.stack(part) for part in zip(*samples, strict=True)))

    def _sample(self, number: int) -> tuple[Tensor, Tensor]:
        """A crop of a frame, or all of it, mirrored half of the time; and noise for its latents."""
        draws = sample_generator(self._seed, number, "vae")
        side = self.settings.crop_px

        def draw(limit: int) -> int:
            return int(torch.randint(limit, (), generator=draws))

        record = draw(len(self.frames))
        frame = pixels_of(self.frames.read(record, FRAMES, draw(self.frames.rows(record, FRAMES))))
        if float(torch.rand((), generator=draws)) < self.settings.whole_ratio:
            crop = F.interpolate(frame.unsqueeze(0), size=(side, side), mode="area")[0]
        else:
            top, left = draw(frame.shape[-2] - side + 1), draw(frame.shape[-1] - side + 1)
            crop = frame[:, top : top + side, left : left + side]
        noise = torch.randn(LATENT_CHANNELS, side // 8, side // 8, generator=draws)
        return crop.flip(-1) if draw(2) else crop, noise

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return not name.startswith(("vae.encoder.conv_in", "vae.decoder.conv_out", "vae.quant", "vae.post_quant"))

    def validate(self) -> Mapping[str, float]:
        """Whole held-back pictures through the posterior's mean: PSNR in dB, of all and of the worst tenth."""
        vae = self.network.vae
        device = next(vae.parameters()).device
        squares, latents = [], []
        for number in range(len(self._held_back)):
            pixels = pixels_of(self._held_back.read(number, FRAMES)).to(device)
            encoded = vae.encode(pixels)
            difference = (vae.decode(encoded).clamp(-1, 1) - pixels) / 2
            squares.append(difference.square().mean(dim=(1, 2, 3)))
            latents.append(encoded)
        square = torch.cat(squares)
        spread = torch.cat(latents).std(dim=(0, 2, 3)) * LATENT_SCALE
        return {
            "psnr_db": decibels(square.mean()),
            "psnr_of_worst_tenth_db": decibels(square.quantile(0.9)),
            "latent_std_least": float(spread.min()),
            "latent_std_most": float(spread.max()),
        }


def pixels_of(frames: Tensor) -> Tensor:
    """uint8 → -1..1."""
    return frames.float() / 127.5 - 1.0


def decibels(square: Tensor) -> float:
    """PSNR of a mean squared error between pictures in 0..1. Equal pictures have 100 dB."""
    return -10.0 * math.log10(max(float(square), LEAST_SQUARE))


def fresh_vae_weights(vae: AutoencoderKL, seed: int) -> None:
    """Initial weights of a VAE: every residual branch at zero, so that colors pass through from the first
    step."""
    torch.manual_seed(seed)
    for name, parameter in vae.named_parameters():
        if parameter.ndim == 4:
            nn.init.orthogonal_(parameter)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        if name.endswith(("conv2.weight", "to_out.0.weight")):
            nn.init.zeros_(parameter)


@torch.no_grad()
def normalize_latents(vae: AutoencoderKL, pictures: Sequence[Tensor]) -> None:
    """Fold a shift and a scale of each latent channel into the two convolutions around the latents: over `pictures`,
    (b 3 h w) each, latents times LATENT_SCALE then have mean 0 and standard deviation 1; decoded pictures
    do not change."""
    latents = torch.cat([vae.encode(batch) for batch in pictures])
    mean = latents.mean(dim=(0, 2, 3))
    gain = 1.0 / (latents.std(dim=(0, 2, 3)) * LATENT_SCALE)
    own, back = vae.quant_conv, vae.post_quant_conv
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight /= gain.reshape(1, -1, 1, 1)
    own.bias[:LATENT_CHANNELS] = (own.bias[:LATENT_CHANNELS] - mean) * gain
    own.weight[:LATENT_CHANNELS] *= gain.reshape(-1, 1, 1, 1)
    own.bias[LATENT_CHANNELS:] += 2.0 * gain.log()
