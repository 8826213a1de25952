"""VIDEO, and a reference → quality, flicker and seams, as a plot and a report."""

from __future__ import annotations

from comfy_api.latest import Input, io, ui

from .host.editor import show_text
from .host.pictures import images
from .host.runtime import HostRuntime
from .host.video import video_source
from .schema import measuring
from .schema.search import also_found_as


class Hallo2EvaluateVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2EvaluateVideo",
            display_name="Evaluate Video (Hallo2)",
            category="Hallo2",
            description=(
                "Measures a finished video with the metrics that need no network: flicker along motion and seams, and "
                "with a reference PSNR and SSIM. FID, FVD, lip sync and others: 'hallo2 evaluate' on the command line."
            ),
            inputs=[
                measuring.video(),
                measuring.clip_frames(),
                io.Video.Input(
                    "reference",
                    optional=True,
                    tooltip=(
                        "The real video, of the same size and frame rate; frames are compared one by one, for PSNR and "
                        "SSIM."
                    ),
                ),
            ],
            outputs=[
                measuring.plot(),
                io.String.Output(display_name="report", tooltip="The figures, and how to read them."),
            ],
            hidden=[io.Hidden.unique_id],
            **also_found_as("flicker", "psnr", "ssim", "metrics", "quality"),
        )

    @classmethod
    def execute(cls, video: Input.Video, clip_frames: int, reference: Input.Video | None = None) -> io.NodeOutput:
        from ..hallo2_core.evaluation.evaluate import evaluate_light
        from ..hallo2_core.evaluation.report import draw_video

        real = None if reference is None else video_source(reference)
        evaluation = evaluate_light(video_source(video), real, HostRuntime(), clip_frames)
        text = evaluation.text()
        show_text(cls.hidden.unique_id, text)
        (measured,) = evaluation.videos.values()
        return io.NodeOutput(images(draw_video(measured)), text, ui=ui.PreviewText(text))
