"""VIDEO → a larger VIDEO: faces restored in windows of frames, the rest resampled or upscaled by another model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfy_api.latest import Input, io

from .host.jobs import job_for, new_video
from .host.metadata import metadata_choice
from .host.networks import Managed
from .host.runtime import HostRuntime
from .host.upscale_model import background_of, picture_upscaler, upscaling_bytes
from .host.video import video_source
from .schema import io_types
from .schema import video as video_inputs
from .schema.search import also_found_as
from .schema.video_node import VideoNode

if TYPE_CHECKING:
    from ..hallo2_core.portrait.face_analysis import FaceAnalysis

SCALE, LONG_SIDE = "scale", "long side"


class Hallo2UpscaleVideo(VideoNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2UpscaleVideo",
            display_name="Upscale Video (Hallo2)",
            category="Hallo2",
            description=(
                "Makes any video larger, up to 4096 pixels a side, and its faces sharper. Every frame keeps its time "
                "and the sound is copied. Saved 16 frames at a time in output/hallo2_jobs: run a stopped graph again, "
                "and it continues where it stopped. Memory does not grow with the length of the video."
            ),
            inputs=[
                io.Video.Input("video", tooltip="Any video, with or without faces; it is read frame by frame."),
                io_types.Upscaler.Input("upscaler", tooltip="From 'Load Upscaler (Hallo2)'."),
                io_types.FaceAnalysis.Input(
                    "face_analysis", tooltip="Finds the faces. The built-in one is sufficient."
                ),
                io.Combo.Input(
                    "target",
                    options=[SCALE, LONG_SIDE],
                    default=SCALE,
                    tooltip="How to set the new size: a scale factor, or the length of the longer side.",
                ),
                io.Float.Input(
                    "scale",
                    default=2.0,
                    min=0.25,
                    max=16.0,
                    step=0.25,
                    tooltip="Scale factor. Used by the target 'scale'; 1 only restores faces.",
                ),
                io.Int.Input(
                    "long_side",
                    default=2048,
                    min=64,
                    max=4096,
                    step=2,
                    tooltip="Pixels along the longer side. Used by the target 'long side'.",
                ),
                io.Float.Input(
                    "fidelity",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="For faces: 0 redraws them, cleaner but less faithful; 1 stays close to the input.",
                ),
                io.Int.Input(
                    "window",
                    default=16,
                    min=1,
                    max=64,
                    tooltip=(
                        "Frames whose faces are restored together. The release was trained with 16; fewer take less "
                        "memory and flicker more."
                    ),
                ),
                io.Int.Input(
                    "overlap",
                    default=4,
                    min=0,
                    max=32,
                    tooltip="Frames that a window shares with the next one, cross-faded. At most half the window.",
                ),
                video_inputs.codec(may_choose_itself=True),
                video_inputs.quality(),
                io.UpscaleModel.Input(
                    "upscale_model",
                    optional=True,
                    tooltip=(
                        "Upscales everything except the faces, frame by frame in tiles: finer, and much slower. "
                        "Without it, the rest is resampled."
                    ),
                ),
                video_inputs.bit_depth(),
                video_inputs.unfinished_gb(),
                video_inputs.metadata(),
            ],
            outputs=[video_inputs.finished_video()],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            **also_found_as("4k", "face restore", "face restoration", "enhance", "super resolution", "video upscaler"),
        )

    @classmethod
    def make_video(
        cls,
        video: Input.Video,
        upscaler: Managed,
        face_analysis: FaceAnalysis,
        target: str,
        scale: float,
        long_side: int,
        fidelity: float,
        window: int,
        overlap: int,
        codec: str,
        quality: int,
        upscale_model: Any = None,  # noqa: ANN401 - spandrel's descriptor
        bit_depth: str = "8",
        unfinished_gb: float = 50.0,
        metadata: str = "full",
    ) -> Path:
        from ..hallo2_core.upscaling.estimate import working_bytes
        from ..hallo2_core.upscaling.job_key import Upscale, upscale_key
        from ..hallo2_core.upscaling.plan import UpscaleRequest, plan_upscale
        from ..hallo2_core.upscaling.render import upscale_video

        size = (scale, None) if target == SCALE else (None, long_side)
        source = video_source(video)
        plan = plan_upscale(source, UpscaleRequest(*size, fidelity, window, overlap, codec, int(bit_depth), quality))
        source_size = plan.source.width, plan.source.height
        needed = working_bytes(*source_size, plan.settings, upscaler.payload.config)
        needed += upscaling_bytes(upscale_model, *source_size)
        drawer = picture_upscaler(upscale_model)
        runtime = HostRuntime(upscaler, *drawer, working_bytes=needed, node_id=cls.hidden.unique_id)
        chosen = metadata_choice(metadata, cls.hidden)
        background = background_of(*drawer, runtime=runtime)
        work = Upscale(source, upscaler.payload, face_analysis, plan.settings, plan.video_settings, *background, chosen)
        job = job_for(upscale_key(work, runtime), unfinished_gb)
        return upscale_video(work, job, new_video("upscaled"), runtime).path
