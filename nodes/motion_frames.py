"""Settings of the motion frames: number, patch drop, noise; with a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch import Tensor

from ..hallo2_core.animation.motion_settings import MOST_NOISE_TIME
from ..hallo2_core.errors import SettingsError
from .schema import io_types
from .schema.search import also_found_as

if TYPE_CHECKING:
    from ..hallo2_core.payloads import Portrait

CUSTOM = "custom"
NO_NOISE, TIME, SIGMA, AS_TRAINED = NOISES = ("none", "time", "sigma", "as trained")


class Hallo2MotionFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2MotionFrames",
            display_name="Set Motion Frames (Hallo2)",
            category="Hallo2",
            description=(
                "Each clip of 16 frames continues from the last frames of the previous one, its motion frames. "
                "Dropping random patches keeps their motion but takes the appearance from the portrait again, which "
                "stops long videos from drifting."
            ),
            inputs=[
                io.Int.Input(
                    "motion_frames",
                    default=2,
                    min=1,
                    max=8,
                    tooltip=(
                        "How many of the last frames the next clip sees. The release uses 2; more frames preserve "
                        "motion better, and also the errors of the last clip."
                    ),
                ),
                io.Int.Input(
                    "patch_size",
                    default=1,
                    min=1,
                    max=64,
                    tooltip="Size of the dropped patches in pixels. The release uses 1: single pixels.",
                ),
                io.Float.Input(
                    "drop_rate",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=(
                        "Share of the patches turned gray, 0 to 1. The release uses 0.25. Lower values keep more of "
                        "the last frames, and long videos drift sooner; higher values stay closer to the portrait."
                    ),
                ),
                io.Boolean.Input(
                    "keep_face",
                    default=True,
                    tooltip=(
                        "Never drop patches inside the face box, as in the release: the mouth continues without a jump."
                    ),
                ),
                io.Int.Input(
                    "seed",
                    default=42,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,  # a new seed would discard the finished clips
                    tooltip="Selects the dropped patches. Another seed gives another take of the same motion.",
                ),
                io.Image.Input(
                    "start_frames",
                    optional=True,
                    tooltip=(
                        "Continue from the last of these frames instead of the still portrait. They must have the "
                        "size of the video."
                    ),
                ),
                io.Combo.Input(
                    "preset",
                    options=[CUSTOM, "release", "paper"],
                    default=CUSTOM,
                    optional=True,
                    tooltip=(
                        "'release': 2 frames, single pixels, rate 0.25, no noise. 'paper': the same with 4 frames "
                        "and noise as in training. Both override everything but the seed and the images. 'custom': "
                        "the settings below."
                    ),
                ),
                io.Combo.Input(
                    "noise",
                    options=list(NOISES),
                    default=NO_NOISE,
                    optional=True,
                    tooltip=(
                        "Noise on the motion frames, including the face. 'time': level of a step in the training "
                        "schedule. 'sigma': standard deviation. 'as trained': each clip draws a step from 0 to 49. "
                        "More noise carries fewer errors forward and makes seams less smooth."
                    ),
                ),
                io.Int.Input(
                    "noise_time",
                    default=25,
                    min=0,
                    max=MOST_NOISE_TIME,
                    optional=True,
                    tooltip="For 'time': step of the training schedule. 0 is barely visible, 25 a visible grain.",
                ),
                io.Float.Input(
                    "noise_sigma",
                    default=0.15,
                    min=0.0,
                    max=0.99,
                    step=0.01,
                    optional=True,
                    tooltip="For 'sigma': standard deviation, with colors from -1 to 1. Training used 0.03 to 0.23.",
                ),
                io.Boolean.Input(
                    "adaptive_drop",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Drop more than the rate when the last frames have drifted from the portrait in color or "
                        "sharpness outside the face. Everything but the face is dropped at a tenth of the color "
                        "range, or at twice or half the sharpness."
                    ),
                ),
                io_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip=(
                        "Used for the preview only, which then shows exactly what the network sees before the first "
                        "clip."
                    ),
                ),
                io.Boolean.Input(
                    "colour_match",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Match color and contrast of the last frames to the portrait before the next clip uses them. "
                        "Stops slow color shifts; not in the release."
                    ),
                ),
            ],
            outputs=[
                io_types.Motion.Output(display_name="motion"),
                io.Image.Output(
                    display_name="preview",
                    tooltip=(
                        "What the network sees before the first clip: the portrait or the start frames, or white "
                        "images without either."
                    ),
                ),
            ],
            **also_found_as("patch drop", "drift", "long video"),
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
        preset: str = CUSTOM,
        noise: str = NO_NOISE,
        noise_time: int = 25,
        noise_sigma: float = 0.15,
        adaptive_drop: bool = False,
        portrait: Portrait | None = None,
        colour_match: bool = False,
    ) -> io.NodeOutput:
        from ..hallo2_core.animation.motion_presets import with_preset
        from ..hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
        from ..hallo2_core.animation.patch_drop import preview_motion_frames

        if noise not in NOISES:  # the older host does not validate it
            raise SettingsError(f"The noise is '{noise}'; choose one of {', '.join(NOISES)}.")
        patch_drop = PatchDropConfig(
            drop_rate,
            patch_size,
            keep_face,
            noise_sigma if noise == SIGMA else 0.0,
            seed,
            noise_time if noise == TIME else None,
            noise_as_trained=noise == AS_TRAINED,
            adaptive=adaptive_drop,
        )
        motion = MotionSettings(ClipConfig(motion_frames=motion_frames), patch_drop, start_frames, colour_match)
        if preset != CUSTOM:
            motion = with_preset(preset, motion)
        return io.NodeOutput(motion, preview_motion_frames(motion, portrait))
