"""Tiny configs of the real classes with seeded weights, and random payloads."""

from dataclasses import dataclass, replace
from functools import cache

import torch
from einops import rearrange
from torch import Tensor

from hallo2_core.checkpoints.networks import PREFIXES, hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import (
    AudioProjectionConfig,
    FaceLocatorConfig,
    Hallo2Config,
    ImageProjectionConfig,
    UNetConfig,
    VAEConfig,
)
from hallo2_core.jobs.key import JobKey
from hallo2_core.models.denoising_unet import DenoisingUNet
from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.payloads import Box, Portrait, ReferenceBanks, RegionMasks

UNET = UNetConfig((32, 32, 64, 64), layers_per_block=1, face_token_width=24, audio_token_width=20, norm_groups=16)
CONFIG = Hallo2Config(
    UNET,
    FaceLocatorConfig((4, 8, 8, 16), out_width=32),
    ImageProjectionConfig(token_width=24),
    AudioProjectionConfig(layers=4, feature_width=32, hidden_width=16, token_width=20, tokens=6),
)
VAE = VAEConfig((8, 8, 16, 16), layers_per_block=1, norm_groups=4)


def job_key(name: str, **arithmetic: str) -> JobKey:
    """Of work that has nothing but a name."""
    return JobKey({"work": name}, arithmetic)


def models(build: Build | None = None) -> Hallo2Models:
    """All five networks and a VAE, with seeded weights. The dtype and the attention are the build's."""
    build = replace(build or Build(), device="meta")
    made = replace(hallo2_networks(CONFIG, build), vae=AutoencoderKL(VAE, build))
    for name, prefix in (PREFIXES | {"vae": "vae."}).items():
        fill_with_seeded_weights(getattr(made, name).requires_grad_(False), prefix)
    return made


@cache
def shared_models() -> Hallo2Models:
    """Made once. Whoever wants to change a network makes its own."""
    return models()


def normal(seed: int, *shape: int) -> Tensor:
    """Standard normal."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def region_masks(height: int, width: int, seed: int = 0) -> RegionMasks:
    """Random masks for latents of this size; no two are alike."""

    def pyramid(region: int) -> tuple[Tensor, ...]:
        levels = range(len(UNET.block_widths))
        return tuple(normal(seed + 10 * region + k, (height >> k) * (width >> k)).sigmoid() for k in levels)

    return RegionMasks(pyramid(1), pyramid(2), pyramid(3))


def portrait(height: int = 64, width: int = 64) -> Portrait:
    """Random pixels, with a face in the middle."""
    region = torch.zeros(3, height, width)
    region[:, height // 4 : -height // 4, width // 4 : -width // 4] = 1.0
    pixels = normal(1, 3, height, width).clamp(-1, 1)
    source = rearrange(pixels, "c h w -> h w c") / 2 + 0.5
    masks = region_masks(height // 8, width // 8)
    return Portrait(pixels, region, masks, normal(2, 512), Box(0, 0, width, height), source)


@dataclass(frozen=True)
class DenoisingInputs:
    """Everything that one forward of the denoising UNet takes, the portrait's and the clip's."""

    noisy: Tensor  # (b f) 4 h w
    banks: ReferenceBanks  # (r l c)
    motion_banks: ReferenceBanks  # (b m) l c
    face_tokens: Tensor  # (b n d)
    face_map: Tensor  # (1 c h w)
    masks: RegionMasks
    audio_tokens: Tensor  # (f n d)
    weights: Tensor  # (3 f)
    rows: list[int]  # f of them

    @torch.inference_mode()
    def run(self, unet: DenoisingUNet, timestep: int = 499) -> Tensor:
        portrait = unet.portrait_conditions(self.banks, self.face_tokens, self.face_map, self.masks)
        clip = unet.clip_conditions(portrait, self.motion_banks, self.audio_tokens, self.weights, self.rows)
        return unet(self.noisy, timestep, clip)

    def to(self, dtype: torch.dtype) -> "DenoisingInputs":
        """`rows` are indices and stay; the masks follow the face map."""
        names = ("noisy", "banks", "motion_banks", "face_tokens", "face_map", "audio_tokens", "weights")
        return replace(self, **{name: getattr(self, name).to(dtype) for name in names})


def denoising_inputs(
    frames: int = 4, motion_frames: int = 2, height: int = 8, width: int = 8, seed: int = 0
) -> DenoisingInputs:
    """Random inputs under guidance. The banks alternate over the frames; both halves start from the same noise."""
    noise = normal(seed + 1, frames, 4, height, width)
    return DenoisingInputs(
        noisy=torch.cat([noise, noise]),
        banks=random_banks(2, height, width, seed + 100),
        motion_banks=random_banks(2 * motion_frames, height, width, seed + 200),
        face_tokens=normal(seed + 2, 2, 4, UNET.face_token_width),
        face_map=normal(seed + 3, 1, UNET.block_widths[0], height, width),
        masks=region_masks(height, width, seed),
        audio_tokens=normal(seed + 4, frames, 6, UNET.audio_token_width),
        weights=normal(seed + 5, 3, frames).abs(),
        rows=[frame % 2 for frame in range(frames)],
    )


def random_banks(rows: int, height: int, width: int, seed: int) -> ReferenceBanks:
    """As ReferenceNet would give for latents of this size."""
    widths, layers = UNET.block_widths, UNET.layers_per_block
    deepest = len(widths) - 1
    levels_and_layers = {f"down_blocks.{level}": (level, layers) for level in range(deepest)}
    levels_and_layers["mid_block"] = (deepest, 1)
    levels_and_layers |= {f"up_blocks.{deepest - level}": (level, layers + 1) for level in range(deepest)}
    return ReferenceBanks(
        {
            path: tuple(
                normal(seed + 10 * block + layer, rows, (height >> level) * (width >> level), widths[level])
                for layer in range(count)
            )
            for block, (path, (level, count)) in enumerate(levels_and_layers.items())
        }
    )
