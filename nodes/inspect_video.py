"""VIDEO → the visibility of its seams and its drift from the portrait, as a plot and a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import Input, io, ui

from .host.editor import show_text
from .host.pictures import images
from .host.runtime import HostRuntime
from .host.video import video_source
from .schema import io_types, measuring
from .schema.search import also_found_as

if TYPE_CHECKING:
    from ..hallo2_core.payloads import Portrait
    from ..hallo2_core.portrait.face_analysis import FaceAnalysis


class Hallo2InspectVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2InspectVideo",
            display_name="Inspect Video (Hallo2)",
            category="Hallo2",
            description=(
                "Measures a finished video frame by frame: how much it jumps where clips meet, and how its "
                "similarity to the portrait, its sharpness and its colors change over time. Lists the worst moments."
            ),
            inputs=[
                measuring.video(),
                measuring.clip_frames(),
                io_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip="What the video was made from. If not connected, frames are compared with the first one.",
                ),
                io_types.FaceAnalysis.Input(
                    "face_analysis",
                    optional=True,
                    tooltip=(
                        "Also measures identity, once per clip. Needs the released face files here and for the "
                        "portrait."
                    ),
                ),
            ],
            outputs=[
                measuring.plot(),
                io.String.Output(
                    display_name="report", tooltip="The figures, and the worst moments with their timestamps."
                ),
            ],
            hidden=[io.Hidden.unique_id],
            **also_found_as("drift", "seams", "quality"),
        )

    @classmethod
    def execute(
        cls,
        video: Input.Video,
        clip_frames: int,
        portrait: Portrait | None = None,
        face_analysis: FaceAnalysis | None = None,
    ) -> io.NodeOutput:
        from ..hallo2_core.inspection.inspect_video import inspect_video

        source = video_source(video)
        done = inspect_video(source, portrait, HostRuntime(), clip_frames, face_analysis)
        show_text(cls.hidden.unique_id, done.text)
        return io.NodeOutput(images(done.plot), done.text, ui=ui.PreviewText(done.text))
