"""Model and portrait → the portrait's conditioning for the denoising UNet, once per video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .host.networks import Managed
from .host.runtime import HostRuntime
from .host.vae import latent_codec
from .schema import io_types
from .schema.search import also_found_as

if TYPE_CHECKING:
    from ..hallo2_core.payloads import Portrait


class Hallo2ReferenceNet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2ReferenceNet",
            display_name="Apply ReferenceNet (Hallo2)",
            category="Hallo2",
            description="Encodes the portrait once for the whole video, as the attention banks that every frame reads.",
            inputs=[
                io_types.Model.Input("model", tooltip="From 'Load Model (Hallo2)'."),
                io_types.Portrait.Input("portrait", tooltip="From 'Prepare Portrait (Hallo2)'."),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip=(
                        "An SD 1.x VAE from 'Load VAE', preferably vae-ft-mse-840000-ema-pruned.safetensors. Only "
                        "the demo model includes its own."
                    ),
                ),
            ],
            outputs=[io_types.Reference.Output(display_name="reference")],
            **also_found_as("identity", "reference", "portrait"),
        )

    @classmethod
    def execute(
        cls,
        model: Managed,
        portrait: Portrait,
        vae: Any = None,  # noqa: ANN401 - the host's VAE class is no declared API
    ) -> io.NodeOutput:
        from ..hallo2_core.animation.reference_banks import build_reference

        runtime = HostRuntime(model)
        codec = latent_codec(vae, model, runtime)
        return io.NodeOutput(build_reference(model.payload, portrait, codec, runtime))
