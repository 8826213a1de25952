"""Timed prompts → encoded prompts for the sampler."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from .host.clip import text_encoder
from .host.editor import show_text
from .schema import io_types
from .schema import timelines as timeline_inputs
from .schema.search import also_found_as


class Hallo2TextPrompts(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2TextPrompts",
            display_name="Text Prompts (Hallo2)",
            category="Hallo2",
            description=(
                "What should be visible and when, in words: '0-4.5 smiling; 4.5- serious, slow nod'. Prompts need a "
                "text-control adapter. The demo model has one; for the released weights, one has to be trained first. "
                "The sampler refuses prompts without an adapter."
            ),
            inputs=[
                io.String.Input(
                    "timeline",
                    multiline=True,
                    default="0- smiling",
                    tooltip=(
                        "start-end and a prompt, one per line or separated by semicolons: '0-4.5 smiling; 4.5- "
                        "serious'. Times in seconds, frames (112f) or mm:ss; without an end, a span lasts to the end "
                        "of the video."
                    ),
                ),
                timeline_inputs.transition_seconds(),
                timeline_inputs.blend(),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip=(
                        "The SD 1.x text encoder (CLIP ViT-L/14). Leave it unconnected for the demo model, which has "
                        "a text encoder of its own."
                    ),
                ),
                io.String.Input(
                    "masked_terms",
                    multiline=True,
                    default="",
                    optional=True,
                    tooltip="Terms to remove from all prompts, one per line or separated by commas. Empty: none.",
                    **io_types.ADVANCED,
                ),
                io.Combo.Input(
                    "mask_by",
                    options=["exact", "pattern", "similarity"],
                    default="exact",
                    optional=True,
                    tooltip=(
                        "'exact' finds whole words, ignoring case. 'pattern': * stands for any letters, ? for one. "
                        "'similarity': words that are close in meaning according to CLIP."
                    ),
                    **io_types.ADVANCED,
                ),
                io.Float.Input(
                    "similarity",
                    default=0.85,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip=(
                        "For 'similarity', 0 to 1: how close a word must be to a term to be removed. Lower values "
                        "remove more."
                    ),
                    **io_types.ADVANCED,
                ),
                io.Combo.Input(
                    "mask_unit",
                    options=["word", "sentence"],
                    default="word",
                    optional=True,
                    tooltip="What to remove with a term: only its words, or the whole sentence around them.",
                    **io_types.ADVANCED,
                ),
            ],
            outputs=[io_types.Text.Output(display_name="text"), timeline_inputs.report()],
            hidden=[io.Hidden.unique_id],
            **also_found_as("emotion", "expression", "prompt schedule", "prompt travel"),
        )

    @classmethod
    def validate_inputs(cls, timeline: str | None = None) -> bool | str:
        from ..hallo2_core.timeline.prompts import parse_prompts

        return timeline_inputs.check(parse_prompts, timeline)

    @classmethod
    def execute(
        cls,
        timeline: str,
        transition_seconds: float,
        blend: str,
        clip: Any = None,  # noqa: ANN401 - the host's CLIP class is no declared API
        masked_terms: str = "",
        mask_by: str = "exact",
        similarity: float = 0.85,
        mask_unit: str = "word",
    ) -> io.NodeOutput:
        from ..hallo2_core.timeline.masking import Masking, read_terms
        from ..hallo2_core.timeline.prompts import encode_prompts
        from ..hallo2_core.timeline.transitions import Transition

        masking = Masking(read_terms(masked_terms), mask_by, similarity, mask_unit)
        prompts = encode_prompts(timeline, text_encoder(clip), Transition(transition_seconds, blend), masking)
        show_text(cls.hidden.unique_id, prompts.report)
        return io.NodeOutput(prompts, prompts.report, ui=ui.PreviewText(prompts.report))
