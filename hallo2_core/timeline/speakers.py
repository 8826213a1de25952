"""Who speaks when: `0-4.3 left; 4.3-9 right`, or an RTTM table; one recording → one voice for each speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..audio.waveform import AudioSource
from ..errors import SettingsError, TimelineError
from .moments import decimal_text, parse_decimal
from .prompts import parse_prompts
from .spans import TextPart

MOST_SPEAKERS = 4
RTTM_TYPE = "SPEAKER"
RTTM_EXAMPLE = "SPEAKER talk 1 0.00 4.30 <NA> <NA> left <NA> <NA>"
RTTM_START, RTTM_DURATION, RTTM_NAME = 3, 4, 7  # fields of a line


@dataclass(frozen=True)
class Turn:
    """A stretch of a recording in which a speaker is heard. end_seconds: None for the end of the recording."""

    speaker: str
    start_seconds: Fraction
    end_seconds: Fraction | None

    def samples(self, audio: AudioSource) -> tuple[int, int]:
        """Start and stop, within the recording."""
        start = min(round(self.start_seconds * audio.rate_hz), audio.samples)
        end = audio.samples if self.end_seconds is None else round(self.end_seconds * audio.rate_hz)
        return start, min(end, audio.samples)


def parse_turns(text: str) -> tuple[Turn, ...]:
    """From a timeline, where several speakers at once are separated by commas, or from the lines of an RTTM file.

    Errors: TimelineError.
    """
    lines = [line for line in TextPart(text, 0, len(text)).split("\n") if line.text and not line.text.startswith(";;")]
    if lines and lines[0].first_word()[0].text == RTTM_TYPE:
        return tuple(_parse_rttm_line(line) for line in lines)
    spans = parse_prompts(text)
    if not spans:
        raise TimelineError("It is empty. Write who speaks when, for example 0-4.3 left; 4.3-9 right.")
    turns = []
    for span in spans:
        if any(moment is not None and moment.unit == "frames" for moment in (span.start, span.end)):
            raise TimelineError(
                f"'{span.times}' counts frames, but a recording has no frame rate. Write seconds.",
                span.position.line,
                span.position.column,
            )
        end = None if span.end is None else span.end.value
        turns += [Turn(name, span.start.value, end) for name in parse_speakers(span.content)]
    return tuple(turns)


def parse_speakers(text: str) -> tuple[str, ...]:
    """The names in `left, right`. Errors: SettingsError."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise SettingsError(f"The speakers are '{text}'; write each name once, separated by commas: left, right.")
    return names


@dataclass(frozen=True)
class SpeakerTable:
    """Who speaks when, and which voice comes out where."""

    speakers: tuple[str, ...]
    turns: tuple[Turn, ...]

    @classmethod
    def parse(cls, timeline: str, speakers: str) -> SpeakerTable:
        """Errors: TimelineError, SettingsError."""
        table = cls(parse_speakers(speakers), parse_turns(timeline))
        if len(table.speakers) > MOST_SPEAKERS:
            raise SettingsError(f"There are {len(table.speakers)} speakers; at most {MOST_SPEAKERS} can be split.")
        unknown = [turn.speaker for turn in table.turns if turn.speaker not in table.speakers]
        if unknown:
            raise SettingsError(
                f"'{unknown[0]}' speaks in the timeline, but the speakers are {', '.join(table.speakers)}. Correct the "
                f"name, or add it to the speakers."
            )
        return table

    def voices(self, audio: AudioSource) -> tuple[Tensor, ...]:
        """(c t) each, as long as the recording: its samples while the speaker has a turn, and silence elsewhere."""
        return tuple(self._voice(audio, speaker) for speaker in self.speakers)

    def report(self, audio: AudioSource) -> str:
        """What the node shows: how long each one speaks, and what is likely a mistake."""
        lines = []
        for speaker in self.speakers:
            turns = [turn for turn in self.turns if turn.speaker == speaker]
            stretches = [turn.samples(audio) for turn in turns]
            heard = sum(max(stop - start, 0) for start, stop in stretches) / audio.rate_hz
            lines.append(f"{speaker}: {heard:.2f} s" if heard else f"{speaker}: only listens")
        seconds = Fraction(audio.samples, audio.rate_hz)
        late = sorted(turn.start_seconds for turn in self.turns if turn.start_seconds >= seconds)
        if late:
            lines.append(
                f"Turns from {decimal_text(late[0])} s on begin after the end of the recording, which is "
                f"{float(seconds):.2f} s long."
            )
        return "\n".join(lines)

    def _voice(self, audio: AudioSource, speaker: str) -> Tensor:
        voice = torch.zeros(audio.channels, audio.samples)
        for turn in self.turns:
            start, stop = turn.samples(audio)
            if turn.speaker == speaker and start < stop:
                voice[:, start:stop] = audio.read(start, stop)
        return voice


def _parse_rttm_line(line: TextPart) -> Turn:
    """type file channel start duration text kind name …"""
    fields: Sequence[str] = line.text.split()
    if len(fields) <= RTTM_NAME or fields[0] != RTTM_TYPE:
        raise line.error(f"is not a line of an RTTM file. Each is like {RTTM_EXAMPLE}")
    start, duration = parse_decimal(fields[RTTM_START]), parse_decimal(fields[RTTM_DURATION])
    if start is None or duration is None:
        raise line.error(f"has no start and duration in seconds as fields 4 and 5, as in {RTTM_EXAMPLE}")
    return Turn(fields[RTTM_NAME], start, start + duration)
