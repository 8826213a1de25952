"""VAEs with SD 1.x's dimensions, distinguished by their latents."""

import json

import torch
from comfy.latent_formats import SD15, SDXL
from comfy_api.latest import io, ui
from einops import rearrange, reduce

from .in_pack import pack


class ProbeVAEKinds(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeVAEKinds", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        kinds = {"SD 1.x": LinearVAE(SD15()), "SDXL": LinearVAE(SDXL()), "unknown": LinearVAE(None)}
        return io.NodeOutput(ui=ui.PreviewText(json.dumps({name: refusal(vae) for name, vae in kinds.items()})))


def refusal(vae):
    """What the sampler says of it; "" where it accepts it."""
    try:
        pack("nodes.host.vae").HostVAE(vae, pack("nodes.host.runtime").HostRuntime())
    except pack("hallo2_core.errors").SettingsError as refused:
        return str(refused)
    return ""


class LinearVAE:
    """Latents of which the host's factors for their kind make the colors that were encoded; and noise of its own."""

    latent_channels, downscale_ratio = 4, 8

    def __init__(self, kind):
        torch.manual_seed(1)
        factors = torch.randn(4, 3) if kind is None else torch.tensor(kind.latent_rgb_factors)
        self.to_latents = torch.linalg.pinv(factors) / (1.0 if kind is None else kind.scale_factor)

    def encode(self, picture):
        colors = reduce(picture * 2 - 1, "b (h i) (w j) c -> b h w c", "mean", i=8, j=8)
        latents = colors @ self.to_latents
        return rearrange(latents + 0.3 * latents.std() * torch.randn_like(latents), "b h w d -> b d h w")


NODES = [ProbeVAEKinds]
