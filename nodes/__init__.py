"""The pack's nodes. This list is the table of contents; a node without a line here does not exist."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import host
from .example_inputs import Hallo2ExampleInputs


class Hallo2Extension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        host.register_model_folder()
        return [
            Hallo2ExampleInputs,
        ]
