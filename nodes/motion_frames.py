"""How the motion frames are made: their number and what is dropped of them; with a preview."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from . import wires


class Hallo2MotionFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2MotionFrames",
            display_name="Set Motion Frames (Hallo2)",
            category="Hallo2",
            description=(
                "Each clip of 16 frames goes on from the last frames of the one before, its motion frames. Dropping "
                "random patches of them keeps their motion but not their look, which is taken from the portrait again: "
                "this is what keeps an hour of video from drifting."
            ),
            inputs=[
                io.Int.Input(
                    "motion_frames",
                    default=2,
                    min=1,
                    max=8,
                    tooltip=(
                        "How many of the last frames the next clip continues from. The release uses 2; more hold on to "
                        "the motion, and to errors of the last clip."
                    ),
                ),
                io.Int.Input(
                    "patch_size",
                    default=1,
                    min=1,
                    max=64,
                    tooltip="Side of the dropped patches, in pixels. The release uses 1: single pixels.",
                ),
                io.Float.Input(
                    "drop_rate",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=(
                        "Share of the patches that turn grey, 0 to 1. The release uses 0.25. Lower keeps more of the "
                        "last frames, and colours drift sooner in long videos; higher holds on to the portrait."
                    ),
                ),
                io.Boolean.Input(
                    "keep_face",
                    default=True,
                    tooltip="Drop nothing inside the face's box, as the release: the mouth goes on without a jump.",
                ),
                io.Int.Input(
                    "seed",
                    default=42,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,  # a new seed on every run would throw away what is made already
                    tooltip="Which patches are dropped. Another seed gives another take of the same motion.",
                ),
                io.Image.Input(
                    "start_frames",
                    optional=True,
                    tooltip=(
                        "The video goes on from the last of these pictures instead of from the still portrait. They "
                        "must have the size of the video."
                    ),
                ),
            ],
            outputs=[
                wires.Motion.Output(display_name="motion"),
                io.Image.Output(
                    display_name="preview",
                    tooltip="What is left after the drop: of the start frames, or of a white picture without them.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        motion_frames: int,
        patch_size: int,
        drop_rate: float,
        keep_face: bool,
        seed: int,
        start_frames: Tensor | None = None,
    ) -> io.NodeOutput:
        from ..hallo2_core.animation.patch_drop import preview_motion_frames
        from ..hallo2_core.config import ClipConfig, PatchDropConfig
        from ..hallo2_core.payloads import MotionSettings

        motion = MotionSettings(
            ClipConfig(motion_frames=motion_frames),
            PatchDropConfig(drop_rate, patch_size, keep_face, seed=seed),
            start_frames,
        )
        return io.NodeOutput(motion, preview_motion_frames(motion))
