"""Hallo2 model ↔ ComfyUI's MODEL, for ComfyUI's own nodes in between."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from .host.networks import Managed
from .schema import io_types
from .schema.search import also_found_as


class Hallo2ModelToComfyUI(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2ModelToComfyUI",
            display_name="Model to ComfyUI (Hallo2)",
            category="Hallo2",
            description=(
                "Gives the denoising UNet to ComfyUI's own nodes, such as EasyCache, LazyCache, TorchCompileModel and "
                "nodes that replace the attention. 'Model from ComfyUI (Hallo2)' takes it back."
            ),
            inputs=[io_types.Model.Input("model", tooltip="From 'Load Model (Hallo2)' or 'Load LoRA (Hallo2)'.")],
            outputs=[
                io.Model.Output(
                    display_name="MODEL",
                    tooltip="For ComfyUI's nodes, then for 'Model from ComfyUI (Hallo2)'. KSampler cannot sample it.",
                )
            ],
            **also_found_as("easycache", "lazycache", "torch compile", "sage attention", "speed"),
        )

    @classmethod
    def execute(cls, model: Managed) -> io.NodeOutput:
        from .host.model.convert import to_host_model

        return io.NodeOutput(to_host_model(model))


class Hallo2ModelFromComfyUI(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2ModelFromComfyUI",
            display_name="Model from ComfyUI (Hallo2)",
            category="Hallo2",
            description=(
                "Takes the model back from ComfyUI's own nodes, which then act on every step of a video. Nodes that do "
                "not work with Hallo2 are refused by name."
            ),
            inputs=[
                io.Model.Input(
                    "comfyui_model", tooltip="From 'Model to ComfyUI (Hallo2)', through other nodes that take a MODEL."
                )
            ],
            outputs=[io_types.Model.Output(display_name="model", tooltip="For 'Sample Video (Hallo2)'.")],
            **also_found_as("easycache", "lazycache", "torch compile", "sage attention", "speed"),
        )

    @classmethod
    def execute(cls, comfyui_model: Any) -> io.NodeOutput:  # noqa: ANN401 - the host's class is no declared API
        from .host.model.convert import from_host_model

        return io.NodeOutput(from_host_model(comfyui_model))
