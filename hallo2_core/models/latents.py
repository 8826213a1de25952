"""Pictures to latents and back, with any VAE that implements `LatentCodec`, one frame at a time (quirk 18).

Each VAE computes in its own dtype. The release uses float16 throughout, including the VAE (quirk 25); so do we if the
VAE's file is float16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from ..config import LATENT_SCALE
from ..errors import PrecisionError
from ..runtime import Runtime
from .fingerprint import weights_fingerprint
from .layers import compute_dtype_of
from .vae import AutoencoderKL

# Memory besides the weights while SD's VAE decodes a frame in float32, measured at 512×512; twice that, for the
# workspace of convolutions.
DECODING_BYTES_PER_PIXEL = 2 * 0.75 * 2**30 / 512**2


class LatentCodec(Protocol):
    """Our own VAE, or the host's."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its weights."""

    def encode(self, picture: Tensor) -> Tensor:
        """picture: (1 3 h w), -1..1.  Returns the posterior's mean, not scaled: (1 4 h/8 w/8)."""

    def decode(self, latents: Tensor) -> Tensor:
        """latents: (1 4 h w), not scaled.  Returns (1 3 8h 8w), 0..1."""


class VAECodec:
    """`LatentCodec` over our own `AutoencoderKL`."""

    def __init__(self, vae: AutoencoderKL, runtime: Runtime) -> None:
        self.vae = vae
        self.runtime = runtime

    @property
    def fingerprint(self) -> str:
        return weights_fingerprint({"vae.": self.vae})

    def encode(self, picture: Tensor) -> Tensor:
        self.runtime.ready(self.vae)
        return self.vae.encode(picture.to(self.runtime.device, compute_dtype_of(self.vae)))

    def decode(self, latents: Tensor) -> Tensor:
        self.runtime.ready(self.vae)
        pixels = self.vae.decode(latents.to(self.runtime.device, compute_dtype_of(self.vae)))
        return (pixels / 2 + 0.5).clamp(0, 1)


def encode_pictures(codec: LatentCodec, pictures: Tensor) -> Tensor:
    """pictures: (f 3 h w), -1..1.  Returns scaled latents, as input for the networks, (f 4 h/8 w/8)."""
    latents = torch.cat([codec.encode(picture.unsqueeze(0)) * LATENT_SCALE for picture in pictures])
    check_vae_output(latents, "The latents of a picture")
    return latents


def check_vae_output(values: Tensor, what: str) -> None:
    """Raise PrecisionError where they have an infinity or a NaN. what: for the message, in the plural."""
    if not torch.isfinite(values).all():
        raise PrecisionError(
            f"{what} hold infinities or NaNs: the VAE exceeded the range of its dtype, or its file is damaged. Start "
            f"ComfyUI with --fp32-vae (command line: --dtype float32); if that does not help, download the file again. "
            f"What was finished before is kept."
        )


def decode_frames(codec: LatentCodec, latents: Tensor) -> Iterator[Tensor]:
    """latents: (f 4 h w), scaled, as output by the networks.  Yields frames (3 8h 8w), 0..1, one at a time."""
    for frame in latents:
        yield codec.decode(frame.unsqueeze(0) / LATENT_SCALE)[0]


def decoding_bytes(width_px: int, height_px: int) -> float:
    """Memory to decode a frame, besides the weights, for a VAE of SD's size."""
    return DECODING_BYTES_PER_PIXEL * width_px * height_px
