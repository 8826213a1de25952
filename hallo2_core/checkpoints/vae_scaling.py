"""The latent scaling of a VAE: SDXL's has the keys and shapes of SD 1.x's, and only its config.json differs."""

from __future__ import annotations

import logging
from pathlib import Path

from ..config import LATENT_SCALE
from ..errors import CheckpointError
from ..storage.json_text import parse_json

logger = logging.getLogger("hallo2")


def check_latent_scaling(path: Path) -> None:
    """Raises CheckpointError if the config.json beside the weights has a scaling other than SD 1.x's."""
    config = path.with_name("config.json")
    try:
        scaling = parse_json(config.read_bytes()).get("scaling_factor", LATENT_SCALE)
    except (OSError, ValueError, AttributeError):
        logger.info("%s is assumed to be an SD 1.x VAE by its keys: there is no config.json beside it.", path.name)
        return
    if scaling != LATENT_SCALE:
        raise CheckpointError(
            f"{path.name} is not an SD 1.x VAE: the config.json beside it has scaling_factor "
            f"{scaling}, like SDXL's, instead of {LATENT_SCALE}. Choose diffusion_pytorch_model.safetensors of "
            f"sd-vae-ft-mse."
        )
