"""The portrait and the voice that ship with the pack, for a first graph without other files."""

from __future__ import annotations

from comfy_api.latest import io

from .schema.search import also_found_as


class Hallo2ExampleInputs(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2ExampleInputs",
            display_name="Load Example Inputs (Hallo2)",
            category="Hallo2",
            description=(
                "The portrait and voice that ship with the pack: a 512x512 picture and 8.68 s of speech. Replace it "
                "with 'Load Image' and 'Load Audio' to use your own."
            ),
            inputs=[],
            outputs=[
                io.Image.Output(display_name="portrait", tooltip="512x512 pixels, one frontal face."),
                io.Audio.Output(display_name="voice", tooltip="8.68 s, mono, 22050 Hz."),
            ],
            **also_found_as("demo", "sample portrait", "sample voice"),
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        from ..hallo2_core.audio.sound_file import FileAudio
        from ..hallo2_core.examples import PORTRAIT, VOICE
        from ..hallo2_core.portrait.picture import load_picture

        voice = FileAudio(VOICE)
        sound = voice.read(0, voice.samples).unsqueeze(0)
        return io.NodeOutput(load_picture(PORTRAIT).unsqueeze(0), {"waveform": sound, "sample_rate": voice.rate_hz})
