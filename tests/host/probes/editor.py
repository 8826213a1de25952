"""What the editor is told about nodes."""

import json

from comfy_api.latest import io, ui
from server import PromptServer

from .in_pack import pack
from .memory import replaced


class ProbeShownText(io.ComfyNode):
    """The messages to the editor about a node in a subgraph: for a text, and for an empty one."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeShownText", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        sent = []
        with replaced(PromptServer.instance, send_progress_text=lambda text, node_id: sent.append([node_id, text])):
            for text in ("3 min to go", ""):
                pack("nodes.host.editor").show_text("20:9", text)
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(sent)))


NODES = [ProbeShownText]
