"""The host's VAE, as the core's `LatentCodec`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from einops import rearrange
from torch import Tensor

from ...hallo2_core.config import LATENT_CHANNELS, PIXELS_PER_LATENT
from ...hallo2_core.errors import MemoryShortageError, SettingsError
from ...hallo2_core.models.fingerprint import weights_fingerprint
from ...hallo2_core.models.latents import LatentCodec, VAECodec
from .vae_handle import WouldTile, precise_vae, untiled_vae
from .vae_kind import check_vae_kind

if TYPE_CHECKING:
    from ...hallo2_core.models.hallo2_models import Hallo2Models
    from ...hallo2_core.runtime import Runtime
    from .networks import Managed

logger = logging.getLogger("hallo2")


def latent_codec(vae: Any, model: Managed[Hallo2Models], runtime: Runtime) -> LatentCodec:  # noqa: ANN401
    """The connected VAE, or the model's own."""
    if vae is not None:
        return HostVAE(vae, runtime)
    if model.payload.vae is None:
        raise SettingsError(
            "No VAE is connected, and only the demo model has one. Connect 'Load VAE' with "
            "vae-ft-mse-840000-ema-pruned.safetensors, or another SD 1.x VAE."
        )
    return VAECodec(model.payload.vae, runtime)


class HostVAE:
    """`LatentCodec` over the VAE of the host's loader, which keeps it loaded itself.

    One picture at a time (quirk 18): the host would choose the batch size by free memory. Its encode returns the
    posterior's mean, unscaled; its pictures are (b h w c), 0..1. Never in bf16 unless ComfyUI was started with
    --bf16-vae, and never in tiles: see `vae_handle.py`.
    """

    def __init__(self, vae: Any, runtime: Runtime) -> None:  # noqa: ANN401 - the host's VAE class is no declared API
        found = getattr(vae, "latent_channels", None), getattr(vae, "downscale_ratio", None)
        if found != (LATENT_CHANNELS, PIXELS_PER_LATENT):
            raise SettingsError(
                f"The connected VAE makes latents of {found[0]} channels at 1/{found[1]} of the size; Hallo2 needs "
                f"{LATENT_CHANNELS} channels at 1/{PIXELS_PER_LATENT}. Choose an SD 1.x VAE in 'Load VAE', preferably "
                f"vae-ft-mse-840000-ema-pruned.safetensors."
            )
        precise = precise_vae(vae, runtime)
        check_vae_kind(precise)
        self.vae = untiled_vae(precise)
        self._runtime = runtime

    @property
    def fingerprint(self) -> str:
        return weights_fingerprint({"vae.": self.vae.first_stage_model})

    def encode(self, picture: Tensor) -> Tensor:
        return self._whole(self.vae.encode, rearrange(picture / 2 + 0.5, "b c h w -> b h w c"), "encode")

    def decode(self, latents: Tensor) -> Tensor:
        return rearrange(self._whole(self.vae.decode, latents, "decode"), "b h w c -> b c h w").float()

    def _whole(self, run: Callable[[Tensor], Tensor], given: Tensor, verb: str) -> Tensor:
        """Frees memory and tries once more where the first attempt runs out of it."""
        for _attempt in range(2):
            try:
                return run(given)
            except WouldTile:
                logger.warning("Out of memory while the VAE had to %s a frame; all other networks make room.", verb)
            self._runtime.free_memory()
        raise MemoryShortageError(
            f"There is too little memory to {verb} one frame, even with all other networks off the device. Tiling is "
            f"not used, because its seams would carry over into the next clips. Choose a smaller size, or start "
            f"ComfyUI with --cpu-vae. What was finished before is kept."
        )
