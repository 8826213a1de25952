"""A list of videos → finished videos, made by the machines of a Ray cluster."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import InputImpl, io

from .host import files
from .host.editor import show_text
from .host.farm import VAE_FOLDER, farm_orders, inputs_stamp, local_copies, made
from .load_models import MODEL_FILE, SPEECH_ENCODER_FILE, where_to_get
from .schema.search import also_found_as
from .schema.video_node import hand_out, times_gone

VAE_FILE = "vae-ft-mse-840000-ema-pruned.safetensors"
EXAMPLE = "portrait,audio,out\nportrait.png,speech.wav,talking.mp4"


class Hallo2Farm(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2Farm",
            display_name="Render on a Farm (Hallo2)",
            category="Hallo2",
            description=(
                "Makes the videos of a list on a running Ray cluster: the one that RAY_ADDRESS names, or this "
                "machine's. Needs the package ray. Each video is resumable: cancel stops them all, and the next run "
                "continues them. This node waits until all have ended."
            ),
            inputs=[
                io.String.Input(
                    "jobs",
                    default=EXAMPLE,
                    multiline=True,
                    tooltip=(
                        "One video per line, below a line with the names of the columns: portrait, audio, out, and any "
                        "other option of 'hallo2 animate'. Or JSON Lines, or the name of a .csv or .jsonl file. Files "
                        "are in ComfyUI's input folder, videos go to output/hallo2_farm; both are in "
                        "HALLO2_FARM_STORAGE if ComfyUI was started with it."
                    ),
                ),
                io.Combo.Input(
                    "model",
                    options=files.network_files(MODEL_FILE),
                    tooltip=(
                        "net.pth (or its safetensors) in models/hallo2, for all videos that name none. Every machine "
                        "needs it at the same path; each has the demo model."
                    ),
                ),
                io.Combo.Input(
                    "speech_encoder",
                    options=files.model_files(files.SPEECH_ENCODER_FOLDER, SPEECH_ENCODER_FILE),
                    tooltip="wav2vec2-base-960h.safetensors in models/audio_encoders; 'demo' for the demo model.",
                ),
                io.Combo.Input(
                    "vae",
                    options=files.model_files(VAE_FOLDER, VAE_FILE),
                    tooltip="An SD 1.x VAE in models/vae; 'demo' for the demo model, which has its own.",
                ),
            ],
            outputs=[
                io.Video.Output(
                    display_name="videos", is_output_list=True, tooltip="The finished files, in the order of the list."
                ),
                io.String.Output(
                    display_name="paths",
                    is_output_list=True,
                    tooltip="Where the videos are: paths or addresses, in the order of the list.",
                ),
                io.String.Output(
                    display_name="report", tooltip="One line per video: frames, machine, attempts and path."
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            **also_found_as("ray", "cluster", "distributed", "batch", "multi gpu", "render farm", "queue"),
        )

    @classmethod
    def validate_inputs(cls, model: str, speech_encoder: str, vae: str) -> bool | str:
        chosen = (
            (files.MODEL_FOLDER, model, MODEL_FILE),
            (files.SPEECH_ENCODER_FOLDER, speech_encoder, SPEECH_ENCODER_FILE),
            (VAE_FOLDER, vae, VAE_FILE),
        )
        if {files.DEMO} < {model, speech_encoder, vae} - {None}:  # None: of another node
            return "The demo model, speech encoder and VAE belong together. Choose 'demo' for all three, or for none."
        found = (files.check_file(folder, name, where_to_get(known)) for folder, name, known in chosen)
        return next((message for message in found if message is not True), True)

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> str:  # noqa: ANN401 - the inputs that the schema names
        return f"{times_gone(inputs)} {inputs_stamp(inputs['jobs'])}"

    @classmethod
    def execute(cls, jobs: str, model: str, speech_encoder: str, vae: str) -> io.NodeOutput:
        from ..hallo2_core.farm.report import results

        weights = {"model": model, "speech_encoder": speech_encoder, "vae": vae}
        orders = farm_orders(jobs, weights)
        latest = made(orders, cls.hidden.unique_id)
        places = [latest[order.line].out for order in orders]
        videos = local_copies(places)
        hand_out({"jobs": jobs, **weights}, *videos)
        report = "\n".join(results(orders, latest))
        show_text(cls.hidden.unique_id, report)
        shown = [InputImpl.VideoFromFile(str(path)) for path in videos]
        return io.NodeOutput(shown, places, report, ui={"text": (report,)})
