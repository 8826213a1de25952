"""The host's VAE, as the core asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einops import rearrange
from torch import Tensor

from ...hallo2_core.config import LATENT_CHANNELS, PIXELS_PER_LATENT
from ...hallo2_core.errors import SettingsError
from ...hallo2_core.models.fingerprint import weights_fingerprint
from ...hallo2_core.models.latents import LatentCodec, VAECodec
from .vae_kind import check_vae_kind

if TYPE_CHECKING:
    from ...hallo2_core.models.hallo2_models import Hallo2Models
    from .networks import Managed
    from .runtime import HostRuntime


def latent_codec(vae: Any, model: Managed[Hallo2Models], runtime: HostRuntime) -> LatentCodec:  # noqa: ANN401
    """The connected VAE, or the one that the model brings."""
    if vae is not None:
        return HostVAE(vae)
    if model.payload.vae is None:
        raise SettingsError(
            "No VAE is connected, and only the demo model brings one. Connect 'Load VAE' with "
            "vae-ft-mse-840000-ema-pruned.safetensors, or another SD 1.x VAE."
        )
    return VAECodec(model.payload.vae, runtime)


class HostVAE:
    """`LatentCodec` over the VAE of the host's loader, which keeps it loaded itself.

    One picture at a time (quirk 18): the host would choose the batch size by free memory. Its encode gives the
    posterior's mean, unscaled; its pictures are (b h w c), 0..1.
    """

    def __init__(self, vae: Any) -> None:  # noqa: ANN401 - the host's VAE class is no declared API
        found = getattr(vae, "latent_channels", None), getattr(vae, "downscale_ratio", None)
        if found != (LATENT_CHANNELS, PIXELS_PER_LATENT):
            raise SettingsError(
                f"The connected VAE makes latents of {found[0]} channels at 1/{found[1]} of the size; Hallo2 needs "
                f"{LATENT_CHANNELS} channels at 1/{PIXELS_PER_LATENT}. Choose an SD 1.x VAE in 'Load VAE', best "
                f"vae-ft-mse-840000-ema-pruned.safetensors."
            )
        check_vae_kind(vae)
        self.vae = vae

    @property
    def fingerprint(self) -> str:
        return weights_fingerprint({"vae.": self.vae.first_stage_model})

    def encode(self, picture: Tensor) -> Tensor:
        return self.vae.encode(rearrange(picture / 2 + 0.5, "b c h w -> b h w c"))

    def decode(self, latents: Tensor) -> Tensor:
        return rearrange(self.vae.decode(latents), "b h w c -> b c h w").float()
