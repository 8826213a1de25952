"""The long-video loop: everything the other nodes made → a finished video file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import InputImpl, io

from . import host, video_inputs, wires

if TYPE_CHECKING:
    from ..hallo2_core.payloads import MotionSettings, Reference
    from ..hallo2_core.timeline.prompts import TextPrompts
    from ..hallo2_core.timeline.weights import WeightTimeline


def _region_weight(region: str, on_screen: str) -> io.Float.Input:
    return io.Float.Input(
        f"{region}_weight",
        default=1.0,
        min=0.0,
        max=3.0,
        step=0.05,
        tooltip=f"{on_screen} 1 is the release; 0 lets speech move nothing there; above 1.5 it is exaggerated.",
    )


class Hallo2SampleVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2SampleVideo",
            display_name="Sample Video (Hallo2)",
            category="Hallo2",
            description=(
                "Animates the portrait in clips of 16 frames, each saved in output/hallo2_jobs. A stopped graph, run "
                "again, goes on where it was. Memory does not grow with the length of the video."
            ),
            inputs=[
                wires.Model.Input("model", tooltip="The same model that made the reference."),
                wires.Reference.Input("reference", tooltip="From 'Apply ReferenceNet (Hallo2)': the portrait."),
                wires.Speech.Input("speech", tooltip="From 'Encode Speech (Hallo2)'; gives length and frame rate."),
                wires.Motion.Input("motion", tooltip="From 'Set Motion Frames (Hallo2)': how clips follow each other."),
                io.Int.Input(
                    "steps",
                    default=40,
                    min=1,
                    max=100,
                    tooltip=(
                        "Denoising steps of each clip. The release uses 40. Fewer take less time and give softer, less "
                        "settled pictures; 4 are enough for the demo model, which draws noise anyway."
                    ),
                ),
                io.Float.Input(
                    "cfg",
                    default=3.5,
                    min=1.0,
                    max=15.0,
                    step=0.1,
                    tooltip=(
                        "How strongly portrait and speech are followed. The release uses 3.5; higher moves the lips "
                        "more and hardens contrast. At 1 guidance is off: about twice as fast, and weaker lips."
                    ),
                ),
                io.Int.Input(
                    "seed",
                    default=42,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,  # a new seed on every run would throw away what is made already
                    tooltip="The same seed and inputs give the same frames. Another seed moves and blinks otherwise.",
                ),
                _region_weight("pose", "How far speech moves the head and everything around the face."),
                _region_weight("face", "How far speech moves brows, eyes and cheeks."),
                _region_weight("lip", "How far speech opens and shapes the mouth."),
                video_inputs.codec(),
                video_inputs.quality(),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="The SD 1.x VAE that the reference was made with. The demo model brings its own.",
                ),
                video_inputs.bit_depth(),
                io.Combo.Input(
                    "reference_banks",
                    options=["released", "aligned"],
                    default="released",
                    optional=True,
                    tooltip=(
                        "'released': every second frame looks at the portrait without its identity, as the official "
                        "code does. 'aligned': every frame looks at the portrait with it."
                    ),
                    **wires.ADVANCED,
                ),
                io.Boolean.Input(
                    "legacy_rng",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Draws random numbers in the official code's order, to compare with its videos. The motion "
                        "frames' own seed is then not used."
                    ),
                    **wires.ADVANCED,
                ),
                wires.Text.Input(
                    "text",
                    optional=True,
                    tooltip=(
                        "From 'Text Prompts (Hallo2)'. Needs a model with a trained adapter, from 'Load Text Control'."
                    ),
                ),
                wires.Weights.Input(
                    "weights",
                    optional=True,
                    tooltip=(
                        "From 'Weight Timeline (Hallo2)': the three weights and cfg over time. Where it says nothing, "
                        "the values above hold."
                    ),
                ),
                io.Float.Input(
                    "text_strength",
                    default=1.0,
                    min=0.0,
                    max=3.0,
                    step=0.05,
                    optional=True,
                    tooltip="How far the prompts act. 0 is as without them; 1 is what the adapter was trained for.",
                    **wires.ADVANCED,
                ),
                io.Float.Input(
                    "text_scale",
                    default=1.0,
                    min=0.0,
                    max=15.0,
                    step=0.1,
                    optional=True,
                    tooltip=(
                        "Guidance of the prompts alone: above 1 the face follows them further, at the cost of half as "
                        "much time again for each clip that has one. 1 is off."
                    ),
                    **wires.ADVANCED,
                ),
            ],
            outputs=[video_inputs.finished_video()],
        )

    @classmethod
    def execute(
        cls,
        model: host.Hosted,
        reference: Reference,
        speech: host.Hosted,
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
    ) -> io.NodeOutput:
        from ..hallo2_core.animation.animate import Performance
        from ..hallo2_core.animation.job_key import Render, render_key
        from ..hallo2_core.animation.render import render_video
        from ..hallo2_core.config import RegionWeights, SamplerConfig
        from ..hallo2_core.video.target import free_path
        from ..hallo2_core.video.writer import VideoSettings

        regions = RegionWeights(pose_weight, face_weight, lip_weight)
        sampler = SamplerConfig(steps, cfg, seed, regions, legacy_rng, reference_banks, text_strength, text_scale)
        performance = Performance(model.payload, reference, motion, sampler, text, weights)
        runtime = host.HostRuntime(model, speech, working_bytes=host.step_bytes(performance))
        pictures = host.latent_codec(vae, model, runtime)
        render = Render(performance, speech.payload, pictures, VideoSettings(codec, int(bit_depth), quality))
        job = host.job(render_key(render, runtime))
        video = render_video(render, job, free_path(job.folder / "animation.mp4"), runtime)
        return io.NodeOutput(InputImpl.VideoFromFile(str(video.path)))
