"""Region weights and guidance over time → a weight timeline for the sampler."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .host.editor import show_text
from .schema import io_types
from .schema import timelines as timeline_inputs
from .schema.search import also_found_as


class Hallo2WeightTimeline(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2WeightTimeline",
            display_name="Weight Timeline (Hallo2)",
            category="Hallo2",
            description=(
                "Changes pose, face and lip weight and guidance over time. Works with the released weights. Weights "
                "that are not listed, and times between spans, use the sampler's own values."
            ),
            inputs=[
                io.String.Input(
                    "timeline",
                    multiline=True,
                    default="lip 1.2 @ 0-3, 0.8 @ 3-",
                    tooltip=(
                        "A weight (pose, face, lip: 0 to 3; cfg: 1 to 15), then its values with their times, as in the "
                        "default text. Separate values by commas, and weights by line breaks or semicolons. Times in "
                        "seconds, frames (112f) or mm:ss; without an end, a span lasts to the end of the video."
                    ),
                ),
                timeline_inputs.transition_seconds(),
                timeline_inputs.blend(),
            ],
            outputs=[io_types.Weights.Output(display_name="weights"), timeline_inputs.report()],
            hidden=[io.Hidden.unique_id],
            **also_found_as("lip weight", "schedule", "keyframes", "guidance over time"),
        )

    @classmethod
    def validate_inputs(cls, timeline: str | None = None) -> bool | str:
        from ..hallo2_core.timeline.weights import parse_tracks

        return timeline_inputs.check(parse_tracks, timeline)

    @classmethod
    def execute(cls, timeline: str, transition_seconds: float, blend: str) -> io.NodeOutput:
        from ..hallo2_core.timeline.transitions import Transition
        from ..hallo2_core.timeline.weights import parse_weights

        weights = parse_weights(timeline, Transition(transition_seconds, blend))
        show_text(cls.hidden.unique_id, weights.report)
        return io.NodeOutput(weights, weights.report, ui=ui.PreviewText(weights.report))
