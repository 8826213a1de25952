"""What a render needs and lacks on this machine."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .host.doctor import examine_host
from .host.editor import show_text
from .schema.search import also_found_as


class Hallo2Doctor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2Doctor",
            display_name="Doctor (Hallo2)",
            category="Hallo2/Diagnostics",
            description=(
                "Checks versions, ComfyUI's options, the device and its memory, disks and weights, and says what to do "
                "next, in order. It changes nothing."
            ),
            inputs=[],
            outputs=[
                io.String.Output(display_name="report", tooltip="One line per finding, then the next steps, numbered.")
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            **also_found_as("troubleshoot", "diagnose", "system check", "help"),
        )

    @classmethod
    def fingerprint_inputs(cls) -> float:
        """Always different: the machine is not among the inputs."""
        return float("nan")

    @classmethod
    def execute(cls) -> io.NodeOutput:
        report = "\n".join(examine_host())
        show_text(cls.hidden.unique_id, report)
        return io.NodeOutput(report, ui=ui.PreviewText(report))
