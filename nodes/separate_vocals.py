"""AUDIO with music or noise → AUDIO of the voice alone."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from .host import files
from .host.runtime import HostRuntime
from .schema.search import also_found_as

USUAL_FILE = "Kim_Vocal_2.onnx"
SOURCE = (
    f"{USUAL_FILE} is in the folder audio_separator of huggingface.co/fudan-generative-ai/hallo2; no license is known"
)


class Hallo2SeparateVocals(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2SeparateVocals",
            display_name="Separate Vocals (Hallo2)",
            category="Hallo2",
            description=(
                "Takes the voice out of a song or a recording with music, so that only the voice moves the lips. "
                "Connect the result to 'audio' of 'Encode Speech' and the recording to 'sound': the video keeps the "
                "music."
            ),
            inputs=[
                io.Audio.Input("audio", tooltip="The recording, of any sample rate, channel count and length."),
                io.Combo.Input(
                    "file",
                    options=files.vocal_files(USUAL_FILE),
                    tooltip=(
                        f"{USUAL_FILE}, which the release uses, or another MDX-Net for vocals with 3072 bins, in "
                        "models/hallo2/audio_separator. It needs onnxruntime."
                    ),
                ),
                io.Combo.Input(
                    "provider",
                    options=["cpu", "cuda", "directml", "coreml"],
                    default="cpu",
                    tooltip=(
                        "The onnxruntime provider. 'cuda' needs onnxruntime-gpu and is much faster for long recordings."
                    ),
                ),
            ],
            outputs=[
                io.Audio.Output(
                    display_name="vocals", tooltip="The voice alone: stereo, 44100 Hz, as long as the audio."
                )
            ],
            hidden=[io.Hidden.unique_id],
            **also_found_as("remove music", "voice isolation", "stems", "mdx", "kim vocal", "karaoke"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        if files.find_vocal_file(file):
            return True
        places = " and ".join(map(str, files.vocal_file_folders()))
        return f"Not in models/{files.VOCALS_FOLDER}: {file} (looked in {places}). {SOURCE}."

    @classmethod
    def execute(cls, audio: dict[str, Any], file: str, provider: str) -> io.NodeOutput:
        from ..hallo2_core.audio.vocals import MDX_RATE_HZ, load_vocal_net, vocals_of
        from ..hallo2_core.audio.waveform import audio_from_comfy

        net = load_vocal_net(files.find_vocal_file(file), provider)
        vocals = vocals_of(audio_from_comfy(audio), net, HostRuntime(node_id=cls.hidden.unique_id))
        return io.NodeOutput({"waveform": vocals.unsqueeze(0), "sample_rate": MDX_RATE_HZ})
