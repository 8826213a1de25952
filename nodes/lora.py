"""Model and LoRA → the model with the LoRA."""

from __future__ import annotations

from comfy_api.latest import io

from .host import files
from .host.networks import Managed, build_of, with_networks
from .schema import io_types
from .schema.search import also_found_as


class Hallo2LoadLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadLora",
            display_name="Load LoRA (Hallo2)",
            category="Hallo2",
            description=(
                "Adds a LoRA, exported by 'hallo2 train', to the model: for a face or a language, for example. To use "
                "several, connect one node after another."
            ),
            inputs=[
                io_types.Model.Input("model", tooltip="From 'Load Model (Hallo2)', or from another LoRA."),
                io.Combo.Input(
                    "file",
                    options=files.lora_files(),
                    tooltip=(
                        "A file in models/loras or models/hallo2/few_step, exported by 'hallo2 train' with lora_rank. "
                        "LoRAs for Stable Diffusion and other models are listed too, but do not fit. 'demo few-step' "
                        "is for the demo model: set steps 4 and cfg 1 in 'Sample Video (Hallo2)'."
                    ),
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="How much of the LoRA is added. 1: as trained; 0: nothing.",
                ),
            ],
            outputs=[io_types.Model.Output(display_name="model", tooltip="For all nodes that take a Hallo2 model.")],
            **also_found_as("fine-tune", "adapter", "style", "language"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        if file == files.DEMO_FEW_STEP:
            return True
        advice = "Export one with 'hallo2 train … --export' and put it there, or remove this node."
        return files.check_file(files.lora_folder(file), file, advice)

    @classmethod
    def fingerprint_inputs(cls, file: str, strength: float, model: Managed | None = None) -> str:
        return files.fingerprint(files.lora_folder(file), file)

    @classmethod
    def execute(cls, model: Managed, file: str, strength: float) -> io.NodeOutput:
        from ..hallo2_core.checkpoints.demo import DEMO_FEW_STEP
        from ..hallo2_core.checkpoints.lora import with_lora
        from .host.model.convert import check_free_of_host_nodes

        check_free_of_host_nodes(model)
        is_demo = file == files.DEMO_FEW_STEP
        path = DEMO_FEW_STEP if is_demo else files.found_file(files.lora_folder(file), file)
        adapted = with_lora(model.payload, path, strength, build_of(model.payload.denoising_unet))
        return io.NodeOutput(with_networks(model, adapted, *adapted.networks))
