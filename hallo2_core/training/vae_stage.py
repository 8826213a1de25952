"""The small model's VAE: pictures to latents of an eighth of their side and back (SD 1.x's shape)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..config import LATENT_CHANNELS, LATENT_SCALE
from ..errors import SettingsError
from ..models.vae import AutoencoderKL
from .batch import Batch
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
    change_weight: float = 0.0  # of the absolute error of the change between two frames: against shimmer
    kl_weight: float = 1e-4
    frozen_encoder: bool = False  # keep the latent space: train only the decoder
    latent_noise: float = 0.0  # deviation of noise on the decoder's input, in the latents'; frozen encoder

    def __post_init__(self) -> None:
        if not 0.0 <= self.change_weight < math.inf:
            raise SettingsError(f"change_weight is {self.change_weight}; choose 0 or more.")

    @property
    def sample_frames(self) -> int:
        """A sample is a single frame, or two that follow each other."""
        return 2 if self.change_weight else 1


@dataclass(frozen=True)
class PictureBatch(Batch):
    pixels: Tensor  # (b f 3 h w), -1..1
    noise: Tensor  # (b f 4 h/8 w/8), normal


class VAEObjective(nn.Module):
    """Pyramid and squared error of the pictures, absolute error of their change, and the divergence of the latents from
    a unit normal."""

    def __init__(self, vae: AutoencoderKL, settings: VAEStageSettings) -> None:
        super().__init__()
        self.vae = vae
        self.settings = settings
        if settings.frozen_encoder:
            vae.encoder.requires_grad_(False)
            vae.quant_conv.requires_grad_(False)

    def forward(self, batch: PictureBatch) -> dict[str, Tensor]:
        settings = self.settings
        pixels, noise = (rearrange(x, "b f c h w -> (b f) c h w") for x in (batch.pixels, batch.noise))
        with torch.set_grad_enabled(torch.is_grad_enabled() and not settings.frozen_encoder):
            mean, log_variance = (x.float() for x in self.vae.posterior(pixels))
        if settings.frozen_encoder:
            latents = mean + settings.latent_noise / LATENT_SCALE * noise
        else:
            log_variance = log_variance.clamp(-20.0, 10.0)
            latents = mean + (0.5 * log_variance).exp() * noise
        pictures = self.vae.decode(latents).float()
        pyramid = pyramid_distance(pictures, pixels)
        square = F.mse_loss(pictures, pixels)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()
        loss = pyramid + settings.square_weight * square
        if not settings.frozen_encoder:
            loss = loss + settings.kl_weight * divergence
        figures = {"pyramid": pyramid, "square": square, "divergence": divergence}
        if settings.change_weight:
            errors = rearrange(pictures - pixels, "(b f) c h w -> b f c h w", f=settings.sample_frames)
            figures["change"] = errors.diff(dim=1).abs().mean()
            loss = loss + settings.change_weight * figures["change"]
        return {"loss": loss, **figures}


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
        """A crop of `sample_frames` frames, or all of them, mirrored half of the time; and noise for their latents."""
        draws = sample_generator(self._seed, number, "vae")
        side, count = self.settings.crop_px, self.settings.sample_frames

        def draw(limit: int) -> int:
            return int(torch.randint(limit, (), generator=draws))

        record = draw(len(self.frames))
        rows = self.frames.rows(record, FRAMES)
        if rows < count:
            raise SettingsError(f"A record of {self.settings.frames} has {rows} frame; change_weight needs {count}.")
        first = draw(rows - count + 1)
        frames = pixels_of(self.frames.read(record, FRAMES, slice(first, first + count)))
        if float(torch.rand((), generator=draws)) < self.settings.whole_ratio:
            crop = F.interpolate(frames, size=(side, side), mode="area")
        else:
            top, left = draw(frames.shape[-2] - side + 1), draw(frames.shape[-1] - side + 1)
            crop = frames[..., top : top + side, left : left + side]
        noise = torch.randn(count, LATENT_CHANNELS, side // 8, side // 8, generator=draws)
        return crop.flip(-1) if draw(2) else crop, noise

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return not name.startswith(("vae.encoder.conv_in", "vae.decoder.conv_out", "vae.quant", "vae.post_quant"))

    def validate(self) -> Mapping[str, float]:
        """Whole held-back pictures through the posterior's mean: PSNR in dB, of all and of the worst tenth. With
        `change_weight`, jitter: how much decoded frames change where the true ones stand still, relative to those."""
        vae = self.network.vae
        device = next(vae.parameters()).device
        squares, latents, changes = [], [], []
        for number in range(len(self._held_back)):
            pixels = pixels_of(self._held_back.read(number, FRAMES)).to(device)
            encoded = vae.encode(pixels)
            decoded = vae.decode(encoded).clamp(-1, 1)
            squares.append(((decoded - pixels) / 2).square().mean(dim=(1, 2, 3)))
            latents.append(encoded)
            if self.settings.change_weight:
                changes.append(still_changes(decoded, pixels))
        square = torch.cat(squares)
        spread = torch.cat(latents).std(dim=(0, 2, 3)) * LATENT_SCALE
        figures = {
            "psnr_db": decibels(square.mean()),
            "psnr_of_worst_tenth_db": decibels(square.quantile(0.9)),
            "latent_std_least": float(spread.min()),
            "latent_std_most": float(spread.max()),
        }
        if changes:
            made, true = torch.stack(changes).sum(dim=0)
            figures["jitter"] = float(made / true)
        return figures


def still_changes(frames: Tensor, true: Tensor) -> Tensor:
    """frames, true: (f c h w), of one video.  Returns the mean change from frame to frame of both, (2), over the pixels
    whose true change is below the mean."""
    made, change = (x.diff(dim=0).abs().mean(dim=(0, 1)) for x in (frames, true))
    return torch.stack([made, change])[:, change < change.mean()].mean(dim=1)


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
