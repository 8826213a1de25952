from fractions import Fraction

import pytest
import torch

from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import Hallo2Error, SettingsError, TimelineError
from hallo2_core.timeline.speakers import MOST_SPEAKERS, SpeakerTable, Turn, parse_turns

RATE_HZ = 1000
RECORDING = TensorAudio(torch.arange(1, 2 * 10_000 + 1).reshape(2, 10_000) / 20_000, RATE_HZ)  # no silence anywhere
RTTM = """\
SPEAKER talk 1 0.000 4.300 <NA> <NA> SPEAKER_00 <NA> <NA>
SPEAKER talk 1 4.300 4.700 <NA> <NA> SPEAKER_01 <NA> <NA>
SPEAKER talk 1 8.500 1.000 <NA> <NA> SPEAKER_00 <NA> <NA>
"""


def voices(timeline, speakers="left, right"):
    return SpeakerTable.parse(timeline, speakers).voices(RECORDING)


def expected(*stretches):
    """The recording between these samples, silence elsewhere."""
    voice = torch.zeros(2, RECORDING.samples)
    for start, stop in stretches:
        voice[:, start:stop] = RECORDING.read(start, stop)
    return voice


def test_each_voice_is_the_recording_in_its_turns_and_silence_elsewhere():
    left, right = voices("0-4.3 left; 4.3-9 right; 0:09.5- left")
    assert torch.equal(left, expected((0, 4300), (9500, 10_000)))
    assert torch.equal(right, expected((4300, 9000)))


def test_the_order_of_voices_is_that_of_the_names_not_of_the_turns():
    right, left = voices("0-4 left; 4- right", "right,left")
    assert torch.equal(left, expected((0, 4000))) and torch.equal(right, expected((4000, 10_000)))


def test_several_speak_at_once():
    left, right = voices("0-4 left; 4-5 left, right; 5-6 right")
    assert torch.equal(left, expected((0, 5000))) and torch.equal(right, expected((4000, 6000)))


def test_who_has_no_turn_only_listens():
    table = SpeakerTable.parse("0-4 left", "left, right")
    assert not table.voices(RECORDING)[1].any()
    assert table.report(RECORDING) == "left: 4.00 s\nright: only listens"


def test_the_lines_of_an_rttm_file_are_read_overlap_included():
    assert parse_turns(RTTM)[1] == Turn("SPEAKER_01", Fraction("4.3"), Fraction(9))
    first, second = voices(RTTM, "SPEAKER_00, SPEAKER_01")
    assert torch.equal(first, expected((0, 4300), (8500, 9500)))
    assert torch.equal(second, expected((4300, 9000)))


def test_an_rttm_file_may_have_comments_and_thousands_of_lines():
    hours = "".join(f"SPEAKER talk 1 {at}.000 1.500 <NA> <NA> SPEAKER_00 <NA> <NA>\n" for at in range(0, 10_000, 2))
    turns = parse_turns(f";; made by a diarization program\n\n{hours}")
    assert len(turns) == 5000 and turns[-1] == Turn("SPEAKER_00", Fraction(9998), Fraction("9999.5"))


def test_a_turn_after_the_end_is_reported_and_one_across_it_cut():
    table = SpeakerTable.parse("0-4 left; 9-12 right; 13-14 left; 20- right", "left, right")
    assert torch.equal(table.voices(RECORDING)[1], expected((9000, 10_000)))
    assert table.report(RECORDING).splitlines() == [
        "left: 4.00 s",
        "right: 1.00 s",
        "Turns from 13 s on begin after the end of the recording, which is 10.00 s long.",
    ]


@pytest.mark.parametrize(
    "timeline, speakers, kind, said",
    [
        ("", "left, right", TimelineError, "It is empty. Write who speaks when"),
        ("0-4", "left, right", TimelineError, "has no text"),
        ("0- left; 4- right", "left, right", TimelineError, "line 1, column 10: '4-' follows 0-"),
        ("0-4 left\n3-5 right", "left, right", TimelineError, "line 2, column 1: '3-5' begins before 0-4"),
        ("0-4 left\n100f-200f right", "left, right", TimelineError, "line 2, column 1: '100f-200f' counts frames"),
        ("0-4 left; 4- Right", "left, right", SettingsError, "'Right' speaks in the timeline, but the speakers are"),
        ("0-4 left; 4- right,", "left, right", SettingsError, "'right,'; write each name once"),
        ("0-4 left", "left, left", SettingsError, "'left, left'; write each name once"),
        ("0-4 left", "", SettingsError, "write each name once"),
        ("0-4 a", "a, b, c, d, e", SettingsError, f"5 speakers; at most {MOST_SPEAKERS}"),
        (
            RTTM + "LEXEME talk 1",
            "SPEAKER_00, SPEAKER_01",
            TimelineError,
            "line 4, column 1: .* is not a line of an RT",
        ),
        (RTTM.replace("4.300 4.700", "4,3 4,7"), "SPEAKER_00, SPEAKER_01", TimelineError, "line 2.* no start and dur"),
        (RTTM, "SPEAKER_00", SettingsError, "'SPEAKER_01' speaks in the timeline, but the speakers are SPEAKER_00"),
    ],
)
def test_mistakes_are_refused_by_place_and_with_what_to_write(timeline, speakers, kind, said):
    assert issubclass(kind, Hallo2Error)
    with pytest.raises(kind, match=said):
        SpeakerTable.parse(timeline, speakers)
