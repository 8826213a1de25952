"""The sampler's inputs and a clip number → pictures of the attention in that clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .host.networks import Managed
from .host.pictures import images
from .host.runtime import HostRuntime
from .host.vae import latent_codec
from .schema import sampling as sampling_inputs
from .schema.search import also_found_as

if TYPE_CHECKING:
    from ..hallo2_core.animation.motion_settings import MotionSettings
    from ..hallo2_core.payloads import Reference
    from ..hallo2_core.timeline.prompts import TextPrompts
    from ..hallo2_core.timeline.weights import WeightTimeline


class Hallo2AttentionMaps(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2AttentionMaps",
            display_name="Show Attention Maps (Hallo2)",
            category="Hallo2",
            description=(
                "Makes one clip as 'Sample Video (Hallo2)' would, and shows what it attends to: the portrait, and "
                "the motion frames before it. The frames do not change; all clips before it have to be made too."
            ),
            inputs=[
                *sampling_inputs.parts(),
                io.Int.Input(
                    "clip",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Which clip to record, counted from 0. Each has 16 frames: clip 3 starts at frame 48.",
                ),
                *sampling_inputs.settings(),
                io.Combo.Input(
                    "denoising_phase",
                    options=["all", "early", "middle", "late"],
                    default="all",
                    tooltip=(
                        "Which denoising steps: all, or one third of them. Pose and outlines form in early steps, "
                        "skin and teeth in late ones."
                    ),
                ),
                io.Combo.Input(
                    "scale",
                    options=["all", "1/8", "1/16", "1/32", "1/64"],
                    default="all",
                    tooltip=(
                        "Which attention layers, by their resolution relative to the frame: 1/8 shows details, 1/64 "
                        "the coarsest view, 'all' averages the four."
                    ),
                ),
                sampling_inputs.vae(),
                sampling_inputs.reference_banks(),
                sampling_inputs.legacy_rng(),
                *sampling_inputs.timelines(),
                sampling_inputs.clip_noise(),
            ],
            outputs=[
                io.Image.Output(display_name="overview", tooltip="One picture of the whole clip, with color scales."),
                io.Image.Output(display_name="frames", tooltip="One picture per frame of the clip, all the same size."),
            ],
            **also_found_as("heatmap", "cross attention", "visualize"),
        )

    @classmethod
    def execute(
        cls,
        model: Managed,
        reference: Reference,
        speech: Managed,
        motion: MotionSettings,
        clip: int,
        steps: int,
        cfg: float,
        seed: int,
        pose_weight: float,
        face_weight: float,
        lip_weight: float,
        denoising_phase: str,
        scale: str,
        vae: Any = None,  # noqa: ANN401 - the host's VAE class is no declared API
        reference_banks: str = "released",
        legacy_rng: bool = False,
        text: TextPrompts | None = None,
        weights: WeightTimeline | None = None,
        text_strength: float = 1.0,
        text_scale: float = 1.0,
        clip_noise: str = "independent",
    ) -> io.NodeOutput:
        from ..hallo2_core.animation.inputs import AnimationInputs
        from ..hallo2_core.animation.memory import recorded_step_bytes
        from ..hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
        from ..hallo2_core.inspection.attention_maps import MapSettings, attention_maps
        from ..hallo2_core.inspection.attention_plot import draw_frames, draw_overview

        regions = RegionWeights(pose_weight, face_weight, lip_weight)
        sampler = SamplerConfig(
            steps, cfg, seed, regions, legacy_rng, reference_banks, text_strength, text_scale, clip_noise=clip_noise
        )
        inputs = AnimationInputs(model.payload, reference, motion, sampler, text, weights)
        runtime = HostRuntime(model, speech, working_bytes=recorded_step_bytes(inputs))
        pictures = latent_codec(vae, model, runtime)
        maps = attention_maps(inputs, speech.payload, pictures, runtime, MapSettings(clip, denoising_phase, scale))
        return io.NodeOutput(images(draw_overview(maps)), images(*draw_frames(maps)))
