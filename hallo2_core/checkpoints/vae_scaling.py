"""Whose latents a VAE makes. SDXL's has the keys and shapes of SD 1.x's; only its config.json tells."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..config import LATENT_SCALE
from ..errors import CheckpointError

logger = logging.getLogger("hallo2")


def check_latent_scaling(path: Path) -> None:
    """Raises CheckpointError where the config.json beside the weights gives another scaling than SD 1.x's."""
    config = path.with_name("config.json")
    try:
        scaling = json.loads(config.read_text(encoding="utf-8")).get("scaling_factor", LATENT_SCALE)
    except (OSError, ValueError, AttributeError):
        logger.info("%s is taken for an SD 1.x VAE by its keys: there is no config.json beside it to tell.", path.name)
        return
    if scaling != LATENT_SCALE:
        raise CheckpointError(
            f"{path.name} makes latents of another kind than SD 1.x's: the config.json beside it says scaling_factor "
            f"{scaling}, as SDXL's has, instead of {LATENT_SCALE}. Choose diffusion_pytorch_model.safetensors of "
            f"sd-vae-ft-mse."
        )
