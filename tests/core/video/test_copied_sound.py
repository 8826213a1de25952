from fractions import Fraction
from types import SimpleNamespace

import pytest

from hallo2_core.video.copied_sound import _with_one_clock, adts_format


def packets(*times):
    """Of one stream, with times in milliseconds, each of which lasts 0.8."""
    stream = SimpleNamespace(index=0)
    return [
        SimpleNamespace(stream=stream, size=9, dts=time, pts=time, duration=1, time_base=Fraction(1, 1000))
        for time in times
    ]


def test_times_that_rounding_makes_equal_or_smaller_are_no_jump(caplog):
    """As Matroska writes the 0.8 ms packets of TrueHD."""
    seen = [packet.dts for packet in _with_one_clock(iter(packets(0, 1, 2, 2, 3, 2, 4)), tells=True)]
    assert seen == [0, 1, 2, 2, 3, 3, 4] and "jumps" not in caplog.text


def test_a_clock_that_starts_again_goes_on_and_the_log_says_so(caplog):
    seen = [packet.dts for packet in _with_one_clock(iter(packets(500, 501, 0, 1)), tells=True)]
    assert seen == [500, 501, 502, 503] and "The sound's clock jumps at 0.50 s" in caplog.text


@pytest.mark.parametrize(
    ("header", "format_"),
    [("fff15040", (4, 1)), ("fff94c80", (3, 2)), ("fff15080", (4, 2)), ("21004995", None), ("fffb9064", None)],
    ids=["44100 mono", "48000 stereo", "44100 stereo", "AAC of MP4", "MP3"],
)
def test_the_format_of_aac_in_broadcasts_is_in_each_packet(header, format_):
    assert adts_format(bytes.fromhex(header) + bytes(8)) == format_
