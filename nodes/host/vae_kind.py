"""Whether a VAE with SD 1.x's dimensions is SD 1.x's: SDXL's has the same layers and keys, and other latents."""

from __future__ import annotations

import logging
from itertools import product
from typing import Any

import torch
from comfy.latent_formats import SD15, SDXL, LatentFormat
from einops import rearrange, reduce, repeat
from torch import Tensor

from ...hallo2_core.errors import SettingsError

logger = logging.getLogger("hallo2")

PATCH_PX, PATCHES = 32, 4
# How well the colors of latents agree with those that were encoded, from -1 to 1. By the host's own factors, latents of
# SD 1.x agree with SDXL's by 0.2, and those of SDXL with SD 1.x's by 0.6.
RECOGNIZED = 0.75
CLEARLY_BETTER = 0.2


def check_vae_kind(vae: Any) -> None:  # noqa: ANN401 - the host's VAE class is no declared API
    """Encode a chart of eight colors and decode it with the factors of the host's latent previews.

    Raises SettingsError if SDXL's factors reproduce the colors and SD 1.x's do not. If neither does, it is logged.
    """
    chart = color_chart()
    latents = vae.encode(chart)
    sd, sdxl = (color_agreement(latents, chart, kind) for kind in (SD15(), SDXL()))
    if sdxl >= RECOGNIZED and sdxl - sd >= CLEARLY_BETTER:
        raise SettingsError(
            f"The connected VAE is SDXL's: the colors of a chart that it encoded agree with SDXL's latents by "
            f"{sdxl:.2f} and with SD 1.x's by {sd:.2f} (of 1). Hallo2 was trained on SD 1.x's. Choose an SD 1.x VAE in "
            f"'Load VAE', preferably vae-ft-mse-840000-ema-pruned.safetensors."
        )
    if not sd >= RECOGNIZED - CLEARLY_BETTER:
        logger.warning(
            "The connected VAE has SD 1.x's dimensions, but was not recognized: the colors of a chart that it encoded "
            "agree with SD 1.x's latents by %.2f and with SDXL's by %.2f (of 1). If the video is noise, choose "
            "vae-ft-mse-840000-ema-pruned.safetensors in 'Load VAE'.",
            sd,
            sdxl,
        )


def color_chart() -> Tensor:
    """(1 h w 3), 0..1: patches of the eight colors between two levels. Their brightness is independent of their hue."""
    colors = torch.tensor(list(product((0.2, 0.8), repeat=3)))
    patches = rearrange(torch.cat([colors, colors.flip(0)]), "(i j) c -> 1 i j c", i=PATCHES)
    return repeat(patches, "1 i j c -> 1 (i h) (j w) c", h=PATCH_PX, w=PATCH_PX)


def color_agreement(latents: Tensor, chart: Tensor, kind: LatentFormat) -> float:
    """The correlation of hues. latents: (1 4 h/8 w/8), unscaled.  chart: (1 h w 3)."""
    seen = rearrange(latents.float().cpu(), "1 d h w -> h w d") @ torch.tensor(kind.latent_rgb_factors)
    given = reduce(chart, "1 (h p) (w q) c -> h w c", "mean", h=seen.shape[0], w=seen.shape[1])
    return torch.corrcoef(torch.stack([_hues(seen), _hues(given)]))[0, 1].item()


def _hues(colors: Tensor) -> Tensor:
    """colors: (h w 3), red, green, blue. Red and blue against green, each around its mean, in one row."""
    against_green = colors[..., (0, 2)] - colors[..., (1,)]
    return rearrange(against_green - against_green.mean(dim=(0, 1)), "h w c -> (h w c)")
