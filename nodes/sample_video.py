"""The long-video loop: outputs of the other nodes → a finished video file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .host.jobs import job_for, new_video
from .host.metadata import metadata_choice
from .host.networks import Managed
from .host.runtime import HostRuntime
from .host.vae import latent_codec
from .schema import sampling as sampling_inputs
from .schema import video as video_inputs
from .schema.search import also_found_as
from .schema.video_node import VideoNode

if TYPE_CHECKING:
    from ..hallo2_core.animation.acceleration import Acceleration
    from ..hallo2_core.animation.motion_settings import MotionSettings
    from ..hallo2_core.payloads import Reference
    from ..hallo2_core.timeline.prompts import TextPrompts
    from ..hallo2_core.timeline.weights import WeightTimeline


class Hallo2SampleVideo(VideoNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2SampleVideo",
            display_name="Sample Video (Hallo2)",
            category="Hallo2",
            description=(
                "Animates the portrait in clips of 16 frames, each saved in output/hallo2_jobs. Run a stopped graph "
                "again, and it continues where it stopped. Memory does not grow with the length of the video."
            ),
            inputs=[
                *sampling_inputs.parts(),
                *sampling_inputs.settings(),
                video_inputs.codec(),
                video_inputs.quality(),
                sampling_inputs.vae(),
                video_inputs.bit_depth(),
                sampling_inputs.reference_banks(),
                sampling_inputs.legacy_rng(),
                *sampling_inputs.timelines(),
                video_inputs.unfinished_gb(),
                sampling_inputs.acceleration(),
                video_inputs.metadata(),
                sampling_inputs.clip_noise(),
                sampling_inputs.steady(),
            ],
            outputs=[video_inputs.finished_video()],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            **also_found_as(
                "talking head",
                "talking portrait",
                "talking photo",
                "lip sync",
                "lipsync",
                "avatar",
                "animate",
                "speech to video",
                "audio to video",
            ),
        )

    @classmethod
    def make_video(
        cls,
        model: Managed,
        reference: Reference,
        speech: Managed,
        motion: MotionSettings,
        steps: int,
        cfg: float,
        seed: int,
        pose_weight: float,
        face_weight: float,
        lip_weight: float,
        codec: str,
        quality: int,
        vae: Any = None,  # noqa: ANN401 - the host's VAE class is no declared API
        bit_depth: str = "8",
        reference_banks: str = "released",
        legacy_rng: bool = False,
        text: TextPrompts | None = None,
        weights: WeightTimeline | None = None,
        text_strength: float = 1.0,
        text_scale: float = 1.0,
        unfinished_gb: float = 50.0,
        acceleration: Acceleration | None = None,
        metadata: str = "full",
        clip_noise: str = "independent",
        steady: float = 0.0,
    ) -> Path:
        from ..hallo2_core.animation.acceleration import EXACT
        from ..hallo2_core.animation.inputs import AnimationInputs
        from ..hallo2_core.animation.job_key import Render, render_key
        from ..hallo2_core.animation.memory import step_bytes
        from ..hallo2_core.animation.render import render_video
        from ..hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
        from ..hallo2_core.animation.steady import SteadyConfig
        from ..hallo2_core.video.settings import VideoSettings

        regions = RegionWeights(pose_weight, face_weight, lip_weight)
        sampler = SamplerConfig(
            steps,
            cfg,
            seed,
            regions,
            legacy_rng,
            reference_banks,
            text_strength,
            text_scale,
            acceleration or EXACT,
            clip_noise,
        )
        inputs = AnimationInputs(model.payload, reference, motion, sampler, text, weights)
        chosen = metadata_choice(metadata, cls.hidden)
        needed, node_id = step_bytes(inputs), cls.hidden.unique_id
        runtime = HostRuntime(model, speech, working_bytes=needed, node_id=node_id)
        pictures = latent_codec(vae, model, runtime)
        file = VideoSettings(codec, int(bit_depth), quality)
        render = Render(inputs, speech.payload, pictures, file, chosen, SteadyConfig(steady))
        job = job_for(render_key(render, runtime), unfinished_gb)
        return render_video(render, job, new_video("animation"), runtime).path
