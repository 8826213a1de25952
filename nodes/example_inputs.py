"""The pictures and sounds that ship with the pack, for a first graph without other files."""

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
                "The portrait and voice that ship with the pack: a 512x512 picture and 8.68 s of speech; and two faces "
                "with their conversation. Replace it with 'Load Image' and 'Load Audio' to use your own."
            ),
            inputs=[],
            outputs=[
                io.Image.Output(display_name="portrait", tooltip="512x512 pixels, one frontal face."),
                io.Audio.Output(display_name="voice", tooltip="8.68 s, mono, 22050 Hz."),
                io.Image.Output(display_name="two_faces", tooltip="512x256 pixels, two frontal faces side by side."),
                io.Audio.Output(
                    display_name="conversation",
                    tooltip="6.7 s, mono, 16000 Hz: the two faces' voices in turn.",
                ),
            ],
            **also_found_as("demo", "sample portrait", "sample voice", "two faces", "conversation"),
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        from ..hallo2_core.audio.sound_file import FileAudio
        from ..hallo2_core.examples import CONVERSATION, PORTRAIT, TWO_FACES, VOICE
        from ..hallo2_core.portrait.picture import load_picture

        portrait, two_faces = (load_picture(path).unsqueeze(0) for path in (PORTRAIT, TWO_FACES))
        voice, conversation = (
            {"waveform": sound.read(0, sound.samples).unsqueeze(0), "sample_rate": sound.rate_hz}
            for sound in map(FileAudio, (VOICE, CONVERSATION))
        )
        return io.NodeOutput(portrait, voice, two_faces, conversation)
