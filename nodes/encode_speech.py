"""AUDIO → speech as the networks will ask for it. Nothing is encoded before a clip needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .schema import io_types

if TYPE_CHECKING:
    from .host.networks import Managed


class Hallo2EncodeSpeech(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2EncodeSpeech",
            display_name="Encode Speech (Hallo2)",
            category="Hallo2",
            description=(
                "Makes a voice ready to drive the face. Any rate, channels and length; the video gets exactly as many "
                "frames as the sound is long, and the sound itself goes into the video as it is."
            ),
            inputs=[
                io.Audio.Input("audio", tooltip="The voice. Music and noise move the lips too: give clean speech."),
                io_types.SpeechEncoder.Input("speech_encoder", tooltip="From 'Load Speech Encoder (Hallo2)'."),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=8.0,
                    max=60.0,
                    step=0.001,
                    tooltip=(
                        "Frames per second of the video. Hallo2 was trained at 25. At other rates lips stay in time "
                        "with the sound, and the video takes that many more or fewer frames to make."
                    ),
                ),
            ],
            outputs=[
                io_types.Speech.Output(display_name="speech"),
                io.Int.Output(display_name="frames", tooltip="How many frames the video will have."),
                io.Float.Output(display_name="seconds", tooltip="How long the sound is."),
            ],
        )

    @classmethod
    def execute(cls, audio: dict[str, Any], speech_encoder: Managed, fps: float) -> io.NodeOutput:
        from ..hallo2_core.audio.speech_embeddings import encode_speech
        from ..hallo2_core.audio.waveform import audio_from_comfy

        speech = encode_speech(audio_from_comfy(audio), speech_encoder.payload, fps)
        return io.NodeOutput(replace(speech_encoder, payload=speech), speech.frames, speech.seconds)
