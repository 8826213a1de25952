"""Nodes that only the tests use, in the same host as the pack."""

from comfy_api.latest import ComfyExtension


class ProbeExtension(ComfyExtension):
    async def get_node_list(self):
        return []


async def comfy_entrypoint():
    return ProbeExtension()
