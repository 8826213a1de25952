"""VIDEO of the animated crop → VIDEO of the full source picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import Input, io
from torch import Tensor

from .host.jobs import job_for, new_video
from .host.metadata import metadata_choice
from .host.runtime import HostRuntime
from .host.video import video_source
from .schema import io_types
from .schema import video as video_inputs
from .schema.search import also_found_as
from .schema.video_node import VideoNode

if TYPE_CHECKING:
    from ..hallo2_core.payloads import Portrait


class Hallo2PasteBack(VideoNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2PasteBack",
            display_name="Paste Back (Hallo2)",
            category="Hallo2",
            description=(
                "Puts the animated crop back into the full picture. The edge of the crop is feathered; the rest of "
                "the picture does not change. Works frame by frame, so any length is fine; the sound is copied."
            ),
            inputs=[
                io.Video.Input("video", tooltip="From 'Sample Video (Hallo2)', upscaled or not."),
                io_types.Portrait.Input("portrait", tooltip="The portrait that the video was made from."),
                io.Float.Input(
                    "feather",
                    default=0.08,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip=(
                        "Width of the soft edge inside the crop, relative to its shorter side. 0 is a hard edge; "
                        "wider edges hide color differences and show less of what moves at the edge."
                    ),
                ),
                video_inputs.codec(),
                video_inputs.quality(),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip=(
                        "Paste into this picture, for example an enlarged version. If not connected: the picture "
                        "that the portrait was made from. The aspect ratio must match; the first picture of a batch "
                        "is used."
                    ),
                ),
                io.Video.Input(
                    "background",
                    optional=True,
                    tooltip=(
                        "Paste into this video instead: the 'Paste Back' result for another face in the same picture."
                    ),
                ),
                io.Combo.Input(
                    "sound",
                    options=["video", "background"],
                    default="video",
                    optional=True,
                    tooltip="Which video provides the sound: the pasted one or the background.",
                ),
                video_inputs.metadata(),
            ],
            outputs=[video_inputs.finished_video()],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            **also_found_as("uncrop", "composite", "stitch", "two faces", "full picture"),
        )

    @classmethod
    def make_video(
        cls,
        video: Input.Video,
        portrait: Portrait,
        feather: float,
        codec: str,
        quality: int,
        image: Tensor | None = None,
        background: Input.Video | None = None,
        sound: str = "video",
        metadata: str = "full",
    ) -> Path:
        from ..hallo2_core.upscaling.render_pasted import PasteBack, paste_back_video, paste_key
        from ..hallo2_core.video.settings import VideoSettings

        source = video_source(video)
        behind = None if background is None else video_source(background)
        settings = VideoSettings(codec, quality=quality)
        work = PasteBack(
            source, portrait, settings, feather, image, behind, sound, metadata_choice(metadata, cls.hidden)
        )
        job = job_for(paste_key(work))
        return paste_back_video(work, job, new_video("pasted"), HostRuntime(node_id=cls.hidden.unique_id))
