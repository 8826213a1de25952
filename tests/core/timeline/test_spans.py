from fractions import Fraction

import pytest

from hallo2_core.errors import TimelineError
from hallo2_core.timeline.prompts import parse_prompts
from hallo2_core.timeline.spans import LONGEST_TEXT, check_order, gaps, without_a_frame

FPS = Fraction(25)


def refused(call, *arguments):
    with pytest.raises(TimelineError) as error:
        call(*arguments)
    return error.value


def test_an_error_says_what_was_found_and_what_to_do():
    error = refused(parse_prompts, "0-4 a;\n  4 - 6 b")
    assert str(error) == (
        "Timeline, line 2, column 3: '4' is not a time span. Write start-end without spaces, for example 0-4.5, "
        "12f-30f (frames), 1:04-1:10.5, or 4.5- for the rest; minutes and seconds of a clock time stay below 60."
    )
    assert "'4-3' ends at 3, which is not after its start" in str(refused(parse_prompts, "4-3 a"))
    assert "'3-' follows 0-, which runs to the end of the video. Give that one" in str(
        refused(parse_prompts, "0- a; 3- b")
    )
    assert "'3-' begins before 0-4 has ended." in str(refused(parse_prompts, "0-4 a; 3- b"))


def test_a_long_item_is_not_quoted_whole():
    assert len(str(refused(parse_prompts, "x" * 5000))) < 300


def test_a_text_that_is_too_long_is_refused_with_its_length():
    longest = "0- " + "a" * (LONGEST_TEXT - 3)
    assert len(parse_prompts(longest)[0].content) == LONGEST_TEXT - 3
    assert f"{LONGEST_TEXT + 1} characters" in str(refused(parse_prompts, longest + "a"))


@pytest.mark.parametrize(
    "text, what",
    [
        ("5-4f a", "'5-4f' ends before it begins at 25 frames per second"),
        ("1-25f a", "'1-25f' ends before it begins"),
        ("0-1 a; 24f- b", "'24f-' begins before 0-1 has ended at 25 frames per second"),
        ("0-26f a; 1- b", "'1-' begins before 0-26f has ended"),
    ],
)
def test_mixed_units_are_compared_once_the_frame_rate_is_known(text, what):
    spans = parse_prompts(text)
    error = refused(check_order, spans, FPS)
    assert what in str(error) and error.line == 1


def test_mixed_units_that_fit():
    check_order(parse_prompts("0-25f a; 1-50f b; 50f- c"), FPS)
    check_order(parse_prompts("0-30f a; 1.001- b"), Fraction(30000, 1001))


def test_a_span_that_does_nothing_is_said_and_no_mistake():
    spans = parse_prompts("0-2 a; 2- b")
    assert not without_a_frame(spans, 51, FPS)
    (late,) = without_a_frame(spans, 50, FPS)
    assert late == "2- begins after the video's end (50 frames, 2.000 s): it does nothing."
    (short,) = without_a_frame(parse_prompts("0.01-0.04 a"), 50, FPS)
    assert "so short that no frame lies in it at 25" in short
    assert not without_a_frame(parse_prompts("0.04-0.05 a"), 50, FPS)


@pytest.mark.parametrize(
    "text, found",
    [
        ("", []),
        ("0- a", []),
        ("0-1 a; 1- b", []),
        ("0f-1 a; 25f- b", []),
        ("1-2 a; 3-4 b", ["0-1", "2-3", "4-"]),
        ("2f-3f a; 5f- b", ["0-2f", "3f-5f"]),
    ],
)
def test_gaps(text, found):
    assert gaps(parse_prompts(text)) == found
