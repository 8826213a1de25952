"""Model and text-control adapter → the model with the adapter."""

from __future__ import annotations

from comfy_api.latest import io

from .host import files
from .host.editor import show_text
from .host.networks import Managed, build_like, with_networks
from .schema import io_types
from .schema.search import also_found_as


class Hallo2LoadTextControl(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadTextControl",
            display_name="Load Text Control (Hallo2)",
            category="Hallo2",
            description=(
                "Attaches a text-control adapter to the model, so that prompts take effect; the model's own weights "
                "do not change. 'demo' is the demo model's; no adapter for net.pth has been released."
            ),
            inputs=[
                io_types.Model.Input("model", tooltip="From 'Load Model (Hallo2)'."),
                io.Combo.Input(
                    "file",
                    options=files.text_control_files(),
                    tooltip=(
                        "An adapter in models/hallo2/text_control. 'zero' fits every model and changes nothing. "
                        "'demo' fits the demo model only: it changes the cartoon's expression."
                    ),
                ),
            ],
            outputs=[io_types.Model.Output(display_name="model", tooltip="For 'Sample Video (Hallo2)'.")],
            hidden=[io.Hidden.unique_id],
            **also_found_as("adapter", "emotion", "expression"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        if file == files.ZERO:
            return True
        return files.check_file(
            files.MODEL_FOLDER, file, "Put the adapter into models/hallo2/text_control, or choose 'demo' here."
        )

    @classmethod
    def fingerprint_inputs(cls, file: str, model: Managed | None = None) -> str:
        return files.fingerprint(files.MODEL_FOLDER, file)

    @classmethod
    def execute(cls, model: Managed, file: str) -> io.NodeOutput:
        from ..hallo2_core.checkpoints import text_control as adapters
        from ..hallo2_core.checkpoints.demo import demo_text_adapter

        unet, build = model.payload.config.unet, build_like(model.payload.denoising_unet)
        if file == files.ZERO:
            adapter = adapters.zero_text_adapter(unet, build)
        elif file == files.DEMO:
            adapter = demo_text_adapter(build, files.use_mmap())
        else:
            path = files.found_file(files.MODEL_FOLDER, file)
            adapter = adapters.load_text_adapter(path, build, files.use_mmap())
        attached = adapters.with_text_adapter(model.payload, adapter)
        show_text(cls.hidden.unique_id, "Zeros: prompts change nothing." if adapter.is_zero else "")
        return io.NodeOutput(with_networks(model, attached, *attached.networks))
