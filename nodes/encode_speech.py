"""AUDIO → speech embeddings, encoded lazily, clip by clip."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from .schema import io_types
from .schema.search import also_found_as

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
                "Prepares a voice track to drive the face. Any sample rate, channel count and length. The number of "
                "frames matches the length of the audio exactly, and the video carries the audio unchanged."
            ),
            inputs=[
                io.Audio.Input("audio", tooltip="The voice. Music and noise move the lips too, so use clean speech."),
                io_types.SpeechEncoder.Input("speech_encoder", tooltip="From 'Load Speech Encoder (Hallo2)'."),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=8.0,
                    max=60.0,
                    step=0.001,
                    tooltip=(
                        "Frames per second of the video. Hallo2 was trained at 25. Lips stay in sync at other rates; "
                        "rendering time grows with the number of frames."
                    ),
                ),
                io.Audio.Input(
                    "sound",
                    optional=True,
                    tooltip=(
                        "The full recording, with music or other speakers, if 'audio' is only the voice taken from it. "
                        "The video carries this sound and has its length. If not connected: 'audio'."
                    ),
                ),
            ],
            outputs=[
                io_types.Speech.Output(display_name="speech"),
                io.Int.Output(display_name="frames", tooltip="Number of frames in the video."),
                io.Float.Output(display_name="seconds", tooltip="Length of the video's sound."),
            ],
            **also_found_as("audio", "voice", "wav2vec", "lip sync", "lipsync"),
        )

    @classmethod
    def execute(
        cls, audio: dict[str, Any], speech_encoder: Managed, fps: float, sound: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..hallo2_core.audio.speech_embeddings import encode_speech
        from ..hallo2_core.audio.waveform import audio_from_comfy

        carried = None if sound is None else audio_from_comfy(sound)
        speech = encode_speech(audio_from_comfy(audio), speech_encoder.payload, fps, sound=carried)
        return io.NodeOutput(replace(speech_encoder, payload=speech), speech.frames, speech.seconds)
