"""AUDIO of several people and a table of who speaks when → one AUDIO for each speaker."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io, ui

from ..hallo2_core.errors import Hallo2Error
from ..hallo2_core.timeline.speakers import MOST_SPEAKERS
from .host.editor import show_text
from .schema.search import also_found_as


class Hallo2SplitSpeakers(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2SplitSpeakers",
            display_name="Split Speakers (Hallo2)",
            category="Hallo2",
            description=(
                "Makes one voice per speaker out of a recording of several: the recording while a speaker has a turn, "
                "silence while the others speak. Each voice moves one face; 'Paste Back' puts the faces into one "
                "picture."
            ),
            inputs=[
                io.Audio.Input("audio", tooltip="The recording with all speakers."),
                io.String.Input(
                    "timeline",
                    multiline=True,
                    default="0-4.3 left; 4.3- right",
                    tooltip=(
                        "Who speaks when: start-end and a name, one per line or separated by semicolons. Times in "
                        "seconds or mm:ss; without an end, a turn lasts to the end of the recording. Two at once: "
                        "'4-6 left, right'. The lines of an RTTM file, as diarization programs write it, work too."
                    ),
                ),
                io.String.Input(
                    "speakers",
                    default="left, right",
                    tooltip=(
                        f"The names used in the timeline, up to {MOST_SPEAKERS}, separated by commas: the first one's "
                        "voice comes out of voice_1, and so on."
                    ),
                ),
            ],
            outputs=[
                io.Audio.Output(
                    f"voice_{number}",
                    display_name=f"voice_{number}",
                    tooltip="As long as the recording. All of it is silence if there is no such speaker.",
                )
                for number in range(1, MOST_SPEAKERS + 1)
            ],
            hidden=[io.Hidden.unique_id],
            **also_found_as("several people", "two people", "conversation", "diarization", "rttm", "podcast"),
        )

    @classmethod
    def validate_inputs(cls, timeline: str | None = None, speakers: str | None = None) -> bool | str:
        from ..hallo2_core.timeline.speakers import SpeakerTable

        if timeline is None or speakers is None:  # it comes from another node
            return True
        try:
            SpeakerTable.parse(timeline, speakers)
        except Hallo2Error as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, audio: dict[str, Any], timeline: str, speakers: str) -> io.NodeOutput:
        from ..hallo2_core.audio.waveform import audio_from_comfy
        from ..hallo2_core.timeline.speakers import SpeakerTable

        recording, table = audio_from_comfy(audio), SpeakerTable.parse(timeline, speakers)
        report = table.report(recording)
        show_text(cls.hidden.unique_id, report)
        silence = torch.zeros(1, 1).expand(recording.channels, recording.samples)
        voices = [*table.voices(recording), *[silence] * MOST_SPEAKERS][:MOST_SPEAKERS]
        outputs = [{"waveform": voice.unsqueeze(0), "sample_rate": recording.rate_hz} for voice in voices]
        return io.NodeOutput(*outputs, ui=ui.PreviewText(report))
